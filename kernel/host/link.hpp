// SPDX-License-Identifier: Apache-2.0
// A connection for many short messages: reads are handed over as they come, writes are gathered and go out in one call
// a turn of the loop (TCP_NODELAY). Memory: what waits to be written, and nothing while it is idle.
// Thread: the executor's. Owner: shared, because operations under way refer to it. Nothing is called after close().
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "host/async.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace castra {

class Link : public std::enable_shared_from_this<Link> {
public:
    struct Events {
        std::function<void(std::string_view bytes)> read; // borrowed for the call
        std::function<void()> written;                    // some of what waited went out
        std::function<void(const std::string& why)> ended;
    };
    Link(const Executor& executor, UniqueFd fd);

    void start(Events events);
    // Queues; never blocks. After close_when_sent() it does nothing.
    void send(std::string_view bytes);
    std::size_t queued_bytes() const { return waiting_.size() + going_.size() - gone_; }
    // Reading stops until resume(): the other side is held back by the kernel's buffers.
    void pause() { is_paused_ = true; }
    void resume();
    // What is queued goes out first, but for no longer than `wait`.
    void close_when_sent(std::chrono::milliseconds wait = std::chrono::milliseconds(1000));
    void close();

    std::string remote_address() const;                  // "127.0.0.1:40000"; empty for unix sockets
    Result<unsigned> peer_user() const;                  // SO_PEERCRED
    static constexpr std::size_t turn_bytes_max = 65536; // read from one link before others have their turn

private:
    void wait_readable();
    void on_readable();
    void schedule_flush();
    void flush();
    void end(const std::string& why);

    asio::generic::stream_protocol::socket socket_;
    asio::steady_timer last_words_;
    Events events_;
    std::string waiting_, going_;
    std::size_t gone_ = 0; // of going_
    bool is_paused_ = false, is_waiting_ = false, is_flushing_ = false, is_closing_ = false, is_closed_ = false;
};

// Accepts connections from a listening socket (unix or TCP) until it is dropped. When descriptors run out it waits a
// moment instead of spinning.
class LinkListener {
public:
    using Accepted = std::function<void(std::shared_ptr<Link>)>;
    LinkListener(const Executor& executor, UniqueFd listening, Accepted accepted);
    ~LinkListener();
    LinkListener(const LinkListener&) = delete;
    LinkListener& operator=(const LinkListener&) = delete;

private:
    struct State;
    static void accept_next(const std::shared_ptr<State>& state);
    std::shared_ptr<State> state_;
};

// On 127.0.0.1. Errors: busy, io.
Result<UniqueFd> listen_loopback(std::uint16_t port);
// The port that a listening TCP socket has; 0: none.
std::uint16_t port_of(const UniqueFd& fd);
// A connected unix socket; fails at once when nobody listens.
Result<UniqueFd> connect_unix_now(const std::string& path);
// As many descriptors as this process may have, and a limit of file sizes that is an error instead of a signal.
void prepare_server_process();
// Two connected sockets: ours, and one for a child.
Result<std::pair<UniqueFd, UniqueFd>> connected_pair();

} // namespace castra
