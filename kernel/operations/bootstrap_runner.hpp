// SPDX-License-Identifier: Apache-2.0
// The bootstraps of one operation: as many at once as [bootstrap] parallel allows, each planned and carried out when it
// is asked for, what like VMs send measured once. Remembers how each ended.
// Owner: the operation. Thread: the kernel's.
#pragma once
#include "bootstrap/pipeline.hpp"
#include "lifecycle/machine.hpp"
#include "operations/bootstrap_subject.hpp"
#include "operations/workshop.hpp"

namespace castra {

class BootstrapRunner {
public:
    // `handshakes` may be null.
    BootstrapRunner(Workshop& workshop, const Project& project, EventBus& bus, Gate& cancel, Handshakes* handshakes);

    // Of a VM that runs and is ready. `always_tell`: also when there is nothing that a bootstrap would do.
    Task<> run(Machine& machine, bool always_tell);
    // The same plan without the machine: for --plan. Null when there is nothing to tell.
    Task<std::optional<contract::BootstrapPlanned>> plan(const VmConfig& vm, const BootstrapTarget& target,
                                                         bool always_tell);

    const std::map<std::string, BootstrapResult>& results() const { return results_; }

private:
    Task<BootstrapSubject> subject(const VmConfig& vm, const BootstrapTarget& target, bool is_plan);
    Task<Result<Artifact>> measure(const BootstrapConfig& config, bool may_remember);

    Workshop& workshop_;
    const Project& project_;
    EventBus& bus_;
    Gate& cancel_;
    Handshakes* handshakes_;
    PluginSet plugins_;
    BootWindow window_;
    struct Measured {
        std::unique_ptr<Gate> done;
        Result<Artifact> artifact;
    };
    std::map<std::string, Measured> measured_; // by what is measured
    std::map<std::string, BootstrapResult> results_;
};

} // namespace castra
