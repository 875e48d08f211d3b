// SPDX-License-Identifier: Apache-2.0
#include "operations/restarts.hpp"

#include "config/limits.hpp"

#include <algorithm>

namespace castra {

RestartDecision Restarts::decide(const std::string& vm, const RestartConfig& config, bool has_failed,
                                 Milliseconds up_for) {
    RestartDecision decision;
    if (config.policy != restart_on_failure || !has_failed) return decision;
    decision.is_wanted = true;
    auto& in_a_row = in_a_row_[vm];
    if (up_for >= std::chrono::seconds(limits::restart_row_seconds)) in_a_row = 0;
    decision.attempt = in_a_row + 1;
    if (decision.attempt > config.restarts_max) return decision;
    decision.is_allowed = true;
    const Milliseconds longest = std::chrono::seconds(limits::restart_backoff_seconds_max);
    decision.wait = config.backoff;
    for (std::int64_t i = 0; i < in_a_row && decision.wait < longest; ++i)
        decision.wait = std::min(decision.wait * 2, longest);
    in_a_row = decision.attempt;
    return decision;
}

std::vector<std::string> Restarts::waiting() const {
    std::vector<std::string> names;
    for (const auto& [name, token] : waiting_)
        names.push_back(name);
    return names;
}

} // namespace castra
