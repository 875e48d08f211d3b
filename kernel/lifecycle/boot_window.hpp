// SPDX-License-Identifier: Apache-2.0
// How many VMs may boot at a time. Booting guests compete for the host's cores: a window near their number makes the
// median guest ready in half the time at the same total. First come, first served.
#pragma once
#include "host/async.hpp"

#include <deque>
#include <memory>

namespace castra {

class BootWindow {
public:
    BootWindow(const Executor& executor, std::int64_t width) : executor_(executor), free_(width) {}

    // Ends when a place is free, or early and without a place when `cancel` opens first: then false.
    Task<bool> enter(Gate& cancel) {
        if (cancel.is_open()) co_return false;
        if (free_ > 0) {
            --free_;
            co_return true;
        }
        const auto turn = std::make_shared<Gate>(executor_);
        waiting_.push_back(turn);
        co_await (turn->wait() || cancel.wait());
        if (turn->is_open()) co_return true; // the place was handed over
        std::erase(waiting_, turn);
        co_return false;
    }
    void leave() {
        if (waiting_.empty()) {
            ++free_;
            return;
        }
        const auto next = waiting_.front();
        waiting_.pop_front();
        next->open();
    }

private:
    Executor executor_;
    std::int64_t free_;
    std::deque<std::shared_ptr<Gate>> waiting_;
};

} // namespace castra
