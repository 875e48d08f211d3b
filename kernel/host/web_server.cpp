// SPDX-License-Identifier: Apache-2.0
#include "host/web_connection.hpp"

#include <fcntl.h>

namespace castra {
namespace {

using asio::ip::tcp;

// How many are connected; tells when one of them goes.
class Connected {
public:
    explicit Connected(const Executor& executor) : one_left_(executor, asio::steady_timer::time_point::max()) {}
    int count() const { return count_; }
    Task<> until_one_leaves() {
        boost::system::error_code ignored;
        co_await one_left_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }

private:
    friend class Member;
    asio::steady_timer one_left_;
    int count_ = 0;
};

class Member {
public:
    explicit Member(std::shared_ptr<Connected> all) : all_(std::move(all)) { ++all_->count_; }
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    ~Member() {
        --all_->count_;
        all_->one_left_.cancel();
    }

private:
    std::shared_ptr<Connected> all_;
};

Task<> converse(tcp::socket socket, int port, WebLimits limits, WebHandler handler,
                std::shared_ptr<Connected> connected) {
    const Member member(connected);
    const bool is_one_too_many = connected->count() > limits.connections_max;
    WebConnection connection(std::move(socket), limits);
    const bool is_request = co_await connection.read(port);
    if (is_request && is_one_too_many) {
        co_await connection.answer(503, "text/plain; charset=utf-8",
                                   "there are " + std::to_string(limits.connections_max) + " connections already\n");
    } else if (is_request) {
        co_await handler(connection);
    }
    co_await connection.finish();
}

} // namespace

Result<WebServer> WebServer::listen(const Executor& executor, int port, WebLimits limits) {
    const tcp::endpoint where(asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port));
    tcp::acceptor acceptor(executor);
    boost::system::error_code error;
    acceptor.open(where.protocol(), error);
    if (!error) ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(where, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
        return fail(ErrorCode::io, "listen on 127.0.0.1:" + std::to_string(port) + ": " + error.message(),
                    "leave out --port to take a free one");
    const int actual = acceptor.local_endpoint().port();
    return WebServer(std::move(acceptor), actual, limits);
}

Task<Result<>> WebServer::serve(WebHandler handler, Gate& stop) {
    const auto executor = acceptor_.get_executor();
    const auto connected = std::make_shared<Connected>(executor);
    while (!stop.is_open()) {
        tcp::socket socket(executor);
        boost::system::error_code error;
        co_await (acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error)) || stop.wait());
        if (stop.is_open()) break;
        if (error == asio::error::connection_aborted) continue;
        if (error && connected->count() == 0)
            co_return fail(ErrorCode::io,
                           "take a connection on 127.0.0.1:" + std::to_string(port_) + ": " + error.message());
        if (error) { // no descriptor left, say: one of ours has to go first
            co_await (connected->until_one_leaves() || stop.wait());
            continue;
        }
        if (connected->count() >= limits_.connections_max + limits_.refusals_max) continue; // closed when it goes
        ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
        asio::co_spawn(executor, converse(std::move(socket), port_, limits_, handler, connected), asio::detached);
    }
    co_return Result<>();
}

} // namespace castra
