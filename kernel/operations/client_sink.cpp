// SPDX-License-Identifier: Apache-2.0
#include "operations/client_sink.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace castra {
namespace {

constexpr int stalled_ms_max = 10000; // a client that takes nothing for so long is given up

class ClientSink final : public Sink {
public:
    explicit ClientSink(UniqueFd socket) : socket_(std::move(socket)) {}
    std::string name() const override { return "client"; }

    Result<> deliver(const EncodedEvents& batch) override {
        for (const auto& event : batch)
            CASTRA_CHECK(send(event.line));
        return {};
    }
    Result<> finish() override { return {}; }

private:
    // The descriptor is shared with the loop's non-blocking socket, hence the poll.
    Result<> send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent >= 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
                continue;
            }
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) return fail_errno("write to the client");
            pollfd ready{socket_.get(), POLLOUT, 0};
            if (::poll(&ready, 1, stalled_ms_max) == 0) return fail(ErrorCode::timeout, "the client reads nothing");
        }
        return {};
    }
    UniqueFd socket_;
};

} // namespace

std::unique_ptr<Sink> make_client_sink(UniqueFd socket) {
    return std::make_unique<ClientSink>(std::move(socket));
}

} // namespace castra
