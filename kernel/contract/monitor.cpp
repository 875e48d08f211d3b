// SPDX-License-Identifier: Apache-2.0
#include "contract/monitor.hpp"

#include "contract/conclusion.hpp"
#include "contract/plugin_rights.hpp"

namespace castra::contract {

Check Monitor::admit(const Event& event) {
    const auto family = event.envelope.family;
    const bool of_vm = family == Family::vm_lifecycle || family == Family::bootstrap;
    if (auto bad = run_.check(event)) return bad;
    if (auto bad = check_conclusion(event)) return bad;
    if (auto bad = check_plugin_rights(event)) return bad;
    if (auto bad = progress_.check(event)) return bad;
    if (family != Family::message) {
        if (auto bad = promise_.check(event)) return bad;
        if (auto bad = broker_.check(event)) return bad;
        if (auto bad = cleanup_.check(event)) return bad;
    }
    if (of_vm)
        if (auto bad = check_vm(event)) return bad;
    if (const auto* summary = event.as<Summary>())
        if (auto bad = check_settled(*summary)) return bad;

    run_.commit(event);
    promise_.commit(event);
    progress_.commit(event);
    broker_.commit(event);
    cleanup_.commit(event);
    if (of_vm) commit_vm(event);
    if (const auto* accepted = event.as<CommandAccepted>()) {
        for (const auto& running : accepted->running)
            vms_[running.name].life = VmOrder::running();
        if (accepted->broker_running.value_or(false)) broker_.declare_running();
    }
    return {};
}

Check Monitor::check_vm(const Event& event) const {
    static const Vm absent;
    const auto found = vms_.find(*event.envelope.vm);
    const auto& vm = found == vms_.end() ? absent : found->second;
    if (event.envelope.family == Family::vm_lifecycle) return vm.life.check(event);
    if (event.is<BootstrapStarted>() && !vm.life.lives())
        return violation(11, "bootstrap starts on a VM that does not run", vm.life.seq());
    return vm.bootstrap.check(event);
}

// What a run may not leave open when it claims success.
Check Monitor::check_settled(const Summary& summary) const {
    if (summary.outcome != Outcome::succeeded) return {};
    for (const auto& [name, vm] : vms_) {
        if (vm.life.is_shutting_down())
            return violation(9, "the shutdown of " + name + " is not complete", vm.life.seq());
        if (vm.bootstrap.is_open()) return violation(12, "the bootstrap of " + name + " is not concluded");
    }
    return {};
}

void Monitor::commit_vm(const Event& event) {
    auto& vm = vms_[*event.envelope.vm];
    if (event.envelope.family == Family::vm_lifecycle)
        vm.life.commit(event);
    else
        vm.bootstrap.commit(event);
}

} // namespace castra::contract
