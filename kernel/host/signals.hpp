// SPDX-License-Identifier: Apache-2.0
// SIGINT, SIGTERM and SIGHUP as something to await. SIGPIPE and SIGXFSZ are ignored: a broken pipe
// and a file that may grow no further are errors of a write.
#pragma once
#include "host/async.hpp"

#include <boost/asio/signal_set.hpp>
#include <csignal>

namespace castra {

class Signals {
public:
    explicit Signals(asio::io_context& loop) : set_(loop, SIGINT, SIGTERM, SIGHUP) {
        for (const int error_of_write : {SIGPIPE, SIGXFSZ})
            std::signal(error_of_write, SIG_IGN);
    }
    // The next one; 0 when cancelled.
    Task<int> next() {
        boost::system::error_code error;
        const int number = co_await set_.async_wait(asio::redirect_error(asio::use_awaitable, error));
        co_return error ? 0 : number;
    }

private:
    asio::signal_set set_;
};

} // namespace castra
