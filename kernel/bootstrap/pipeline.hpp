// SPDX-License-Identifier: Apache-2.0
// Carries out one VM's bootstrap plan: its steps one after the other, each told to the bus. A step that an earlier run
// of this incarnation has done is left out when nothing before it ran again and its own verify() agrees; so an
// unchanged bootstrap ends as noop, and one that failed goes on where it ended. Order:  planned, started, a step each,
// completed or failed. A plan of action error, or of mode skip, ends after planned. Limits: each step has its deadline.
// Opening `cancel` ends the step under way and fails the bootstrap as cancelled. Thread: the kernel's. Knows nothing of
// SSH, plugins or other VMs.
#pragma once
#include "bootstrap/bootstrap_plan.hpp"
#include "bootstrap/handshakes.hpp"
#include "bootstrap/run_log.hpp"
#include "bus/event_bus.hpp"

namespace castra {

enum class BootstrapEnd { skipped, success, noop, failed, cancelled };
std::string_view to_string(BootstrapEnd end);

struct BootstrapResult {
    BootstrapEnd end = BootstrapEnd::skipped;
    std::optional<Error> error; // of failed and cancelled
};

class Pipeline {
public:
    // `handshakes` may be null: no guest says hello.
    Pipeline(const Layout& layout, Clock& clock, Handshakes* handshakes)
        : layout_(layout), clock_(clock), handshakes_(handshakes) {}

    // `gone`: opens when the VM's process has ended.
    Task<BootstrapResult> run(EventBus& bus, BootstrapPlan plan, Gate& cancel, Gate& gone);

private:
    struct Work; // one bootstrap under way
    Task<std::optional<contract::ErrorField>> run_steps(Work& work);
    Task<std::optional<contract::ErrorField>> run_step(Work& work, const PlannedStep& step);
    Task<bool> was_done(Work& work, const PlannedStep& step);
    Task<Result<sdk::StepOutcome>> do_step(Work& work, const PlannedStep& step);
    Task<> await_handshake(Work& work);
    BootstrapResult fail_with(Work& work, contract::ErrorField error);

    const Layout& layout_;
    Clock& clock_;
    Handshakes* handshakes_;
};

} // namespace castra
