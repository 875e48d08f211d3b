// SPDX-License-Identifier: Apache-2.0
// Runs a function that blocks on a thread of its own and hands what it returned back to the kernel's thread.
// Limits: waits at most `wait`; then the thread is left to itself with all that the function owns, and the answer is
// nothing. How many run at once is the caller's to bound.
// Requires: the executor's context lives as long as the function runs. Thread: the kernel's.
#pragma once
#include "base/units.hpp"
#include "host/host.hpp"

#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

namespace castra {

template <class T>
Task<std::optional<T>> run_blocking(Host& host, std::function<T()> work, Milliseconds wait) {
    struct Shared {
        explicit Shared(const Executor& executor) : done(executor) {}
        Gate done;
        std::optional<T> result; // written before `done` is posted
    };
    const auto executor = host.executor();
    const auto shared = std::make_shared<Shared>(executor);
    std::thread([shared, executor, work = std::move(work)]() mutable {
        shared->result.emplace(work());
        work = nullptr; // what it owns goes here, not on the kernel's thread
        asio::post(executor, [shared] { shared->done.open(); });
    }).detach();
    co_await (shared->done.wait() || host.sleep_for(wait));
    if (!shared->done.is_open()) co_return std::nullopt;
    co_return std::move(shared->result);
}

} // namespace castra
