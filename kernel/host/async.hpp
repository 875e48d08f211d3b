// SPDX-License-Identifier: Apache-2.0
// The words of asynchronous code: coroutines on one thread. A Task starts when awaited; `||` waits for the first of two
// and cancels the other; a Gate opens once and wakes everybody who waits.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace castra {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;
using asio::experimental::awaitable_operators::operator&&;

template <class T = void>
using Task = asio::awaitable<T>;
using Executor = asio::any_io_executor;

class Gate {
public:
    explicit Gate(const Executor& executor) : timer_(executor, asio::steady_timer::time_point::max()) {}
    bool is_open() const { return open_; }
    void open() {
        open_ = true;
        timer_.cancel();
    }
    // Returns when open; at once if it is. Ends early, closed, when the awaiting coroutine is cancelled.
    Task<> wait() {
        boost::system::error_code ignored;
        if (!open_) co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }

private:
    asio::steady_timer timer_;
    bool open_ = false;
};

} // namespace castra
