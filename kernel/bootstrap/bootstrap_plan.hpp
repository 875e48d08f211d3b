// SPDX-License-Identifier: Apache-2.0
// What a VM's bootstrap is going to do: the event bootstrap.planned and everything that carrying it out needs. Asks
// each step for its plan, without side effect; `castra ... --plan` ends here, and a run goes on from the same value.
#pragma once
#include "bootstrap/artifact.hpp"
#include "bootstrap/bootstrap_record.hpp"
#include "bootstrap/step_client.hpp"
#include "contract/event.hpp"
#include "state/vm_record.hpp"

namespace castra {

// One VM, as far as its bootstrap is concerned.
struct BootstrapSubject {
    sdk::StepVm vm;
    std::string incarnation; // empty: it does not run
    std::string base_hash;
    BootstrapConfig config;
    std::vector<StepSpec> steps;
    Result<Artifact> artifact;
    std::vector<std::string> missing; // what stands in the way, for people: "no port forward to guest port 22"
};

struct PlannedStep {
    StepSpec spec;
    sdk::StepPlan plan;
    bool may_skip = false; // nothing that decides it has changed since it was done
};

struct BootstrapPlan {
    BootstrapSubject subject;
    contract::BootstrapPlanned event;
    std::vector<PlannedStep> steps;
    Artifact artifact;
    std::string stamp;
    std::optional<BootstrapRecord> before;
    nlohmann::json inputs; // of every step; without the environment's values
};

// Whether there is anything that a bootstrap would do.
bool has_bootstrap(const BootstrapConfig& config);

// Never fails: what is wrong is action error with its reason.
Task<BootstrapPlan> plan_bootstrap(BootstrapSubject subject, const Layout& layout, Gate& cancel);

// "web-0: bootstrap would run: never bootstrapped", for people.
std::string to_message(const std::string& vm, const contract::BootstrapPlanned& planned);

} // namespace castra
