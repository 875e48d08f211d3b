// SPDX-License-Identifier: Apache-2.0
#include "host/link.hpp"

#include <arpa/inet.h>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace castra {
namespace {

constexpr int backlog = 1024;
constexpr std::chrono::milliseconds out_of_descriptors_wait{50};

int family_of(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    return getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? address.ss_family : AF_UNIX;
}

// One for all links of a thread: nothing of it is kept. Not an array: every thread there is would have to clear it.
char* read_buffer() {
    thread_local const auto buffer = std::make_unique_for_overwrite<char[]>(Link::turn_bytes_max);
    return buffer.get();
}

} // namespace

Link::Link(const Executor& executor, UniqueFd fd) : socket_(executor), last_words_(executor) {
    const int family = family_of(fd.get());
    const int on = 1;
    if (family == AF_INET) (void)setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    boost::system::error_code error;
    socket_.assign(asio::generic::stream_protocol(family, family == AF_INET ? IPPROTO_TCP : 0), fd.release(), error);
    socket_.non_blocking(true, error);
}

void Link::start(Events events) {
    events_ = std::move(events);
    wait_readable();
}

void Link::wait_readable() {
    if (is_waiting_ || is_paused_ || is_closing_ || is_closed_) return;
    is_waiting_ = true;
    socket_.async_wait(asio::socket_base::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                           self->is_waiting_ = false;
                           if (!error) self->on_readable();
                       });
}

void Link::on_readable() {
    if (is_paused_ || is_closing_ || is_closed_) return;
    char* const buffer = read_buffer();
    const auto size = ::recv(socket_.native_handle(), buffer, turn_bytes_max, MSG_DONTWAIT);
    if (size > 0) {
        events_.read(std::string_view(buffer, static_cast<std::size_t>(size)));
    } else if (size == 0) {
        return end("the other side closed the connection");
    } else if (errno != EAGAIN && errno != EINTR) {
        return end(std::strerror(errno));
    }
    wait_readable();
}

void Link::resume() {
    is_paused_ = false;
    wait_readable();
}

void Link::send(std::string_view bytes) {
    if (is_closing_ || is_closed_) return;
    waiting_.append(bytes);
    schedule_flush();
}

void Link::schedule_flush() {
    if (is_flushing_) return;
    is_flushing_ = true;
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->flush(); });
}

void Link::flush() {
    if (is_closed_) return;
    while (true) {
        if (gone_ == going_.size()) {
            gone_ = 0;
            going_.clear();
            if (waiting_.empty()) break;
            going_.swap(waiting_);
        }
        const auto size =
            ::send(socket_.native_handle(), going_.data() + gone_, going_.size() - gone_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size > 0) {
            gone_ += static_cast<std::size_t>(size);
        } else if (errno == EAGAIN) {
            socket_.async_wait(asio::socket_base::wait_write,
                               [self = shared_from_this()](const boost::system::error_code& error) {
                                   if (!error) self->flush();
                               });
            return;
        } else if (errno != EINTR) {
            is_flushing_ = false;
            return end(std::strerror(errno));
        }
    }
    is_flushing_ = false;
    if (going_.capacity() > turn_bytes_max) going_.shrink_to_fit(); // a burst is not kept for ever
    if (waiting_.capacity() > turn_bytes_max) waiting_.shrink_to_fit();
    if (is_closing_) return close();
    if (events_.written) events_.written();
}

void Link::close_when_sent(std::chrono::milliseconds wait) {
    if (is_closing_ || is_closed_) return;
    is_closing_ = true;
    last_words_.expires_after(wait);
    last_words_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error) self->close();
    });
    schedule_flush();
}

void Link::close() {
    if (is_closed_) return;
    is_closed_ = true;
    boost::system::error_code ignored;
    last_words_.cancel();
    socket_.close(ignored);
    // Whoever called us may be one of these: they go when the stack has unwound.
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->events_ = {}; });
}

void Link::end(const std::string& why) {
    if (is_closed_) return;
    const bool was_closing = is_closing_;
    close();
    if (!was_closing && events_.ended) events_.ended(why);
}

std::string Link::remote_address() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    auto& socket = const_cast<asio::generic::stream_protocol::socket&>(socket_);
    if (getpeername(socket.native_handle(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        address.sin_family != AF_INET)
        return {};
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(address.sin_port));
}

Result<unsigned> Link::peer_user() const {
    ucred peer{};
    socklen_t size = sizeof peer;
    auto& socket = const_cast<asio::generic::stream_protocol::socket&>(socket_);
    if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return fail_errno("read the peer's credentials");
    return peer.uid;
}

struct LinkListener::State {
    State(const Executor& executor, UniqueFd fd, Accepted told)
        : listening(std::move(fd)), descriptor(executor, listening.get()), timer(executor), accepted(std::move(told)) {
        const int flags = fcntl(listening.get(), F_GETFL);
        (void)fcntl(listening.get(), F_SETFL, flags | O_NONBLOCK);
    }
    ~State() { descriptor.release(); } // listening closes it
    UniqueFd listening;
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer timer;
    Accepted accepted;
    bool is_closed = false;
};

LinkListener::LinkListener(const Executor& executor, UniqueFd listening, Accepted accepted)
    : state_(std::make_shared<State>(executor, std::move(listening), std::move(accepted))) {
    accept_next(state_);
}

LinkListener::~LinkListener() {
    state_->is_closed = true;
    boost::system::error_code ignored;
    state_->descriptor.cancel(ignored);
    state_->timer.cancel();
}

void LinkListener::accept_next(const std::shared_ptr<State>& state) {
    state->descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [state](const auto& error) {
        if (error || state->is_closed) return;
        UniqueFd fd(::accept4(state->listening.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (fd) {
            state->accepted(std::make_shared<Link>(state->descriptor.get_executor(), std::move(fd)));
            return accept_next(state);
        }
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return accept_next(state);
        state->timer.expires_after(out_of_descriptors_wait);
        state->timer.async_wait([state](const auto& cancelled) {
            if (!cancelled && !state->is_closed) accept_next(state);
        });
    });
}

Result<UniqueFd> listen_loopback(std::uint16_t port) {
    const auto doing = "listen on 127.0.0.1:" + std::to_string(port);
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno(doing);
    const int on = 1;
    (void)setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
        auto failure = fail_errno(doing);
        if (errno == EADDRINUSE) failure.value().code = ErrorCode::busy;
        return failure;
    }
    if (::listen(fd.get(), backlog) != 0) return fail_errno(doing);
    return fd;
}

std::uint16_t port_of(const UniqueFd& fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (!fd || getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
    return address.sin_family == AF_INET ? ntohs(address.sin_port) : std::uint16_t{0};
}

Result<UniqueFd> connect_unix_now(const std::string& path) {
    const auto doing = "connect to " + path;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail_errno(doing, ENAMETOOLONG);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno(doing);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return fail_errno(doing);
    return fd;
}

void prepare_server_process() {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

Result<std::pair<UniqueFd, UniqueFd>> connected_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("make a pair of sockets");
    return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

} // namespace castra
