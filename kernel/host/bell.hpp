// SPDX-License-Identifier: Apache-2.0
// Wakes one waiter again and again; a ring that nobody waited for is kept, several are one.
#pragma once
#include "host/async.hpp"

namespace castra {

class Bell {
public:
    explicit Bell(const Executor& executor) : timer_(executor, asio::steady_timer::time_point::max()) {}
    void ring() {
        rung_ = true;
        timer_.cancel();
    }
    // Returns when it was rung since the last return. Ends early when the awaiting coroutine is cancelled.
    Task<> wait() {
        boost::system::error_code ignored;
        if (!rung_) co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        rung_ = false;
    }

private:
    asio::steady_timer timer_;
    bool rung_ = false;
};

} // namespace castra
