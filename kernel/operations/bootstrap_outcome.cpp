// SPDX-License-Identifier: Apache-2.0
#include "operations/bootstrap_outcome.hpp"

#include "operations/exit_code.hpp"

namespace castra {

using contract::Outcome;
using contract::VmOutcome;

VmOutcome outcome_of(const BootstrapResult& result) {
    switch (result.end) {
    case BootstrapEnd::success:
        return VmOutcome::succeeded;
    case BootstrapEnd::failed:
        return VmOutcome::failed;
    case BootstrapEnd::cancelled:
        return VmOutcome::cancelled;
    case BootstrapEnd::skipped:
    case BootstrapEnd::noop:
        break;
    }
    return VmOutcome::unchanged;
}

std::string conclude_bootstraps(const std::map<std::string, BootstrapResult>& results, bool is_cancelled,
                                contract::Summary& summary) {
    std::map<BootstrapEnd, int> count;
    std::string first;
    for (const auto& [vm, result] : results) {
        ++count[result.end];
        if (result.end == BootstrapEnd::failed && result.error && first.empty()) first = result.error->text;
    }
    if (is_cancelled) {
        summary.outcome = Outcome::cancelled;
        summary.exit_code = exit_code::cancelled;
        return "cancelled; castra bootstrap goes on where this run ended";
    }
    const auto failed = count[BootstrapEnd::failed] + count[BootstrapEnd::cancelled];
    const auto good = static_cast<int>(results.size()) - failed;
    if (failed > 0) {
        summary.outcome = good > 0 ? Outcome::partial : Outcome::failed;
        summary.exit_code = good > 0 ? exit_code::partial : exit_code::failed;
        return (good > 0 ? "partial: " : "failed: ") + first;
    }
    if (results.empty()) return "nothing to do: nothing that has a bootstrap is up";
    if (count[BootstrapEnd::success] == 0) return "nothing to do: all is bootstrapped already";
    return std::to_string(count[BootstrapEnd::success]) + (count[BootstrapEnd::success] == 1 ? " VM" : " VMs") +
           " bootstrapped";
}

void lay_over(const std::map<std::string, BootstrapResult>& results, std::vector<contract::VmResult>& vms,
              std::vector<Error>& failures) {
    for (auto& vm : vms) {
        const auto found = results.find(vm.vm);
        if (found == results.end()) continue;
        const auto& result = found->second;
        if (result.end == BootstrapEnd::success && vm.outcome == VmOutcome::unchanged)
            vm.outcome = VmOutcome::succeeded;
        if (result.end == BootstrapEnd::cancelled && vm.outcome == VmOutcome::succeeded)
            vm.outcome = VmOutcome::cancelled;
        if (result.end != BootstrapEnd::failed) continue;
        if (vm.outcome == VmOutcome::succeeded || vm.outcome == VmOutcome::unchanged) vm.outcome = VmOutcome::failed;
        if (result.error) failures.push_back(*result.error);
    }
}

} // namespace castra
