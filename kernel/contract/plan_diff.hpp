// SPDX-License-Identifier: Apache-2.0
// What a run's bootstraps did, held against what was planned: the events bootstrap.planned of `castra up --plan`, or
// the run's own, beside the events of the run. Pure. Events come as parsed lines; what is no bootstrap is passed over.
#pragma once
#include "contract/describe.hpp"

#include <map>
#include <optional>

namespace castra::contract {

struct PlanDifference {
    std::string vm;
    std::string what;     // a field of bootstrap.planned; "result"; "steps_done": the steps that ended, in their order
    Json planned, actual; // null: there was none
};

class PlanDiff {
public:
    void plan(const Json& event); // of the stream that holds the plan
    void run(const Json& event);  // of the run

    // By VM, in the order of the plan; of each its fields first.
    std::vector<PlanDifference> differences() const;
    // VMs that a plan or the run speaks of.
    std::size_t vms() const { return vms_.size(); }
    bool has_plan() const { return has_plan_; }

private:
    struct Vm {
        Json planned, replanned; // bootstrap.planned: of the plan, of the run
        Json result;             // "success", "noop", "failed at STEP: CODE"; null: nothing was done
        Json steps = Json::array();
    };
    Vm* vm_of(const Json& event);
    static void compare(const std::string& name, const Vm& vm, std::vector<PlanDifference>& into);

    std::vector<std::string> order_;
    std::map<std::string, Vm> vms_;
    bool has_plan_ = false;
};

} // namespace castra::contract
