// SPDX-License-Identifier: Apache-2.0
// The order of one VM's bootstrap, rule 12:
//   none -> planned -> started -> step* in the declared order -> completed | failed -> none
// After a step that failed only bootstrap.failed may come. That the VM lives (rule 11) is the monitor's to ask.
#pragma once
#include "contract/event.hpp"
#include "contract/violation.hpp"

namespace castra::contract {

class BootstrapOrder {
public:
    Check check(const Event& event) const;
    void commit(const Event& event);
    bool is_open() const { return phase_ == Phase::started; }

private:
    enum class Phase { none, planned, started };
    Check check_step(const BootstrapStep& step) const;

    Phase phase_ = Phase::none;
    std::vector<std::string> steps_; // as declared; empty: any
    std::size_t next_ = 0;
    bool step_failed_ = false;
    std::int64_t seq_ = 0;
};

} // namespace castra::contract
