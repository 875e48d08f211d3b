// SPDX-License-Identifier: Apache-2.0
#include "contract/bootstrap_order.hpp"

#include <algorithm>

namespace castra::contract {

Check BootstrapOrder::check(const Event& event) const {
    const auto need = [&](bool allowed, const char* why) -> Check {
        return allowed ? Check{} : violation(12, event.envelope.type + " " + why, seq_);
    };
    if (event.is<BootstrapPlanned>()) return need(phase_ != Phase::started, "comes while a bootstrap is under way");
    if (event.is<BootstrapStarted>()) return need(phase_ == Phase::planned, "needs a plan, and none under way");
    if (const auto* step = event.as<BootstrapStep>()) {
        if (auto bad = need(phase_ == Phase::started, "needs a bootstrap that was started")) return bad;
        return check_step(*step);
    }
    if (event.is<BootstrapCompleted>())
        return need(phase_ == Phase::started && !step_failed_, "needs a bootstrap under way, no step of it failed");
    return need(phase_ == Phase::started, "needs a bootstrap that was started");
}

Check BootstrapOrder::check_step(const BootstrapStep& step) const {
    if (step_failed_) return violation(12, "step " + step.step + " follows a step that failed", seq_);
    if (steps_.empty()) return {};
    if (std::find(steps_.begin() + static_cast<std::ptrdiff_t>(next_), steps_.end(), step.step) == steps_.end())
        return violation(12, "step " + step.step + " is out of the declared order", seq_);
    return {};
}

void BootstrapOrder::commit(const Event& event) {
    seq_ = event.envelope.seq;
    if (const auto* planned = event.as<BootstrapPlanned>()) {
        phase_ = Phase::planned;
        steps_ = planned->steps;
    } else if (event.is<BootstrapStarted>()) {
        phase_ = Phase::started;
        next_ = 0;
        step_failed_ = false;
    } else if (const auto* step = event.as<BootstrapStep>()) {
        step_failed_ = step->status == StepStatus::failed;
        const auto at = std::find(steps_.begin() + static_cast<std::ptrdiff_t>(next_), steps_.end(), step->step);
        if (at != steps_.end()) next_ = static_cast<std::size_t>(at - steps_.begin()) + 1;
    } else {
        phase_ = Phase::none;
    }
}

} // namespace castra::contract
