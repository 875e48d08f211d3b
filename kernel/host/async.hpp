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

// The two most frequent ones are compiled once, in async.cpp: Asio's machinery behind them is seconds of compile time.
Task<std::variant<std::monostate, std::monostate>> operator||(Task<> one, Task<> other);

class Gate {
public:
    explicit Gate(const Executor& executor);
    ~Gate();
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    bool is_open() const { return open_; }
    void open();
    // Returns when open; at once if it is. Ends early, closed, when the awaiting coroutine is cancelled.
    Task<> wait();

private:
    asio::steady_timer timer_;
    bool open_ = false;
};

} // namespace castra
