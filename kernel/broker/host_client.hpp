// SPDX-License-Identifier: Apache-2.0
// The host's end of a session: what castra bus and castra status speak to a broker. Every wait is the caller's to
// bound. Thread: the host's.
#pragma once
#include "broker/frame.hpp"
#include "broker/message.hpp"
#include "host/host.hpp"

#include <deque>

namespace castra::broker {

class HostClient {
public:
    // Connected and welcomed. Errors: not_found when no broker listens there, protocol when it refuses.
    static Task<Result<HostClient>> connect(Host& host, std::filesystem::path socket);
    // Connected and without a session: may ask `status`, and nothing else. It makes no event.
    static Task<Result<HostClient>> look(Host& host, std::filesystem::path socket);
    Task<Result<>> send(json frame);
    // The next frame that is no heartbeat; nullopt when the broker has closed. Errors: protocol.
    Task<Result<std::optional<json>>> next();
    // Sends, and answers the first frame of type `wanted`, or an error; deliveries on the way are kept for next().
    Task<Result<json>> ask(json frame, std::string wanted);
    // The same for an answer of several frames: the items of their arrays `list`, as one array.
    Task<Result<json>> ask_list(json frame, std::string wanted, std::string list);

private:
    explicit HostClient(Stream stream) : stream_(std::move(stream)) {}
    Task<Result<std::optional<json>>> read();
    Task<Result<json>> answer_of(std::string wanted);
    Stream stream_;
    FrameReader reader_;
    std::deque<json> arrived_;
    std::string unsent_;
    bool is_sending_ = false;
};

// The broker's sessions, as an array (docs/BROKER.md, `status`); null when it does not answer within `wait`.
Task<json> broker_sessions(Host& host, std::filesystem::path socket, Milliseconds wait);

} // namespace castra::broker
