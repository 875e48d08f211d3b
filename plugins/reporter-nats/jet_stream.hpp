// SPDX-License-Identifier: Apache-2.0
// JetStream: a connection to one server, and the stream there. A batch is published at once and then waited for: what
// the server says it has stored is stored, and an id that it knows is not stored again. It never reconnects; after a
// failure it is of no more use.
// Thread: one at a time. libnats has threads of its own, which take no signals and call nothing of ours.
#pragma once
#include "castra/sdk/call.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace castra::nats {

struct Settings {
    std::vector<std::string> servers;
    std::string stream = "CASTRA", subject = "castra";
    std::string user, password, token, credentials, ca;
    bool creates_stream = true;
    std::int64_t stream_bytes_max = 1073741824, duplicate_window_secs = 3600, replicas = 1;
    std::int64_t timeout_ms = 1000;
};

struct Message {
    std::string subject, id, data; // id: Nats-Msg-Id
};

struct Published {
    std::size_t done = 0;     // of the batch, from its beginning: stored, or refused for ever
    std::size_t refused = 0;  // of those
    std::string problem;      // empty: all of it is done, and none was refused
    bool is_connected = true; // false: the rest needs another connection
};

class JetStream {
public:
    // Null with `problem`: not reached, not let in, or there is no stream.
    static std::unique_ptr<JetStream> connect(const Settings& settings, const std::string& server,
                                              const sdk::Call& call, std::string& problem);
    ~JetStream();
    JetStream(const JetStream&) = delete;
    JetStream& operator=(const JetStream&) = delete;

    // The first `count` messages of the queue.
    Published publish(const std::deque<Message>& queue, std::size_t count, const sdk::Call& call);

private:
    struct Handles;
    explicit JetStream(std::unique_ptr<Handles> handles);
    std::unique_ptr<Handles> handles_;
};

} // namespace castra::nats
