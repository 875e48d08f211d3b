// SPDX-License-Identifier: Apache-2.0
// The broker process: sockets around a Router. Guests come over their own channel (a unix socket of their QEMU, to
// which we connect) or over TCP; the host comes over its unix socket. On the control socket castra tells the limits and
// the VMs, and is told every decision; when it closes, the broker ends. One JSON object a line; docs/BROKER.md lists
// them. Thread: one, that of the executor, beside the archive's.
#pragma once
#include "broker/archive_thread.hpp"
#include "broker/router.hpp"
#include "host/clock.hpp"
#include "host/link.hpp"

namespace castra::broker {

struct ServerWishes {
    UniqueFd control, host_socket, notify;
    std::uint16_t port = 0; // 0: no TCP
    std::string state_dir;
    unsigned user = 0; // who may have the host's role, besides root
};

class Server final : public Witness {
public:
    // `on_end`: the control socket has closed.
    Server(const Executor& executor, Clock& clock, ServerWishes wishes, std::function<void()> on_end);
    ~Server() override;

private:
    struct Connection;
    struct Channel { // of one VM: connected again when its QEMU lets go
        std::string socket;
        std::uint64_t connection = 0; // 0: none
        std::int64_t wait_ms = 0;
        std::uint64_t attempt = 0;
    };

    void control_line(std::string_view line);
    void begin(const Settings& settings); // the first line: from here on it serves
    void attach(const json& what);
    void connect_channel(const std::string& vm);
    void retry_channel(const std::string& vm);
    void accepted(Door door, const std::shared_ptr<Link>& link);
    std::uint64_t take(Door door, const std::string& vm, const std::shared_ptr<Link>& link);
    void arrived(std::uint64_t number, std::string_view bytes);
    bool one_frame(Connection& connection, std::string_view body);
    void ended(std::uint64_t number, const std::string& why);
    void second();
    void report(const json& line);
    void tell_suppressed();
    std::string nonce();
    std::int64_t now_ms() const { return clock_.monotonic_us() / 1000; }

    void decided(const Decision& decision) override;
    void closed(const Closed& closed) override;
    void ready(const std::string& vm, const std::string& incarnation, const json& facts) override;
    std::string new_session_id() override;

    Executor executor_;
    Clock& clock_;
    ServerWishes wishes_;
    std::function<void()> on_end_;
    std::shared_ptr<Link> control_;
    std::string control_rest_;
    std::unique_ptr<ArchiveThread> archive_;
    std::unique_ptr<Router> router_;
    std::unique_ptr<LinkListener> host_listener_, tcp_listener_;
    std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections_;
    std::map<std::string, Channel> channels_;
    asio::steady_timer timer_;
    std::uint64_t last_number_ = 0;
    std::int64_t frames_per_second_max_ = 1000;
    std::size_t decisions_told_ = 0; // in this second
    std::size_t decisions_suppressed_ = 0;
    std::string last_reason_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace castra::broker
