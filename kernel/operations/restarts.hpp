// SPDX-License-Identifier: Apache-2.0
// Which VMs the supervisor will start again, when, and how often it has done so in a row. Decides and remembers; starts
// nothing and asks no clock. Forgotten with the supervisor. Thread: the kernel's.
#pragma once
#include "config/project_config.hpp"

#include <map>

namespace castra {

inline constexpr std::string_view restart_on_failure = "on_failure"; // the one policy that starts anything

struct RestartDecision {
    bool is_wanted = false;   // the policy says so
    bool is_allowed = false;  // and the limit too
    std::int64_t attempt = 0; // 1 is the first in a row
    Milliseconds wait{0};
};

class Restarts {
public:
    // A VM ended unasked, or an attempt to start it again failed. `up_for`: since it was ready; 0: it never was.
    RestartDecision decide(const std::string& vm, const RestartConfig& config, bool has_failed, Milliseconds up_for);

    // From now on it waits for its start; the answer names this wait.
    std::int64_t schedule(const std::string& vm) { return waiting_[vm] = ++last_token_; }
    bool is_waiting(const std::string& vm, std::int64_t token) const {
        const auto found = waiting_.find(vm);
        return found != waiting_.end() && found->second == token;
    }
    void forget(const std::string& vm) { waiting_.erase(vm); }
    bool is_empty_of(const std::string& vm) const { return !waiting_.contains(vm); }
    bool is_empty() const { return waiting_.empty(); }
    std::vector<std::string> waiting() const;

private:
    std::map<std::string, std::int64_t> waiting_; // to its token
    std::map<std::string, std::int64_t> in_a_row_;
    std::int64_t last_token_ = 0;
};

} // namespace castra
