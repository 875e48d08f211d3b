// SPDX-License-Identifier: Apache-2.0
#include "host/async.hpp"

namespace castra {

namespace either = asio::experimental::awaitable_operators;

Task<std::variant<std::monostate, std::monostate>> operator||(Task<> one, Task<> other) {
    co_return co_await either::operator||(std::move(one), std::move(other));
}

Gate::Gate(const Executor& executor) : timer_(executor, asio::steady_timer::time_point::max()) {}

Gate::~Gate() = default;

void Gate::open() {
    open_ = true;
    timer_.cancel();
}

Task<> Gate::wait() {
    boost::system::error_code ignored;
    if (!open_) co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

} // namespace castra
