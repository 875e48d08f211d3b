// SPDX-License-Identifier: Apache-2.0
#include "contract/conclusion.hpp"

namespace castra::contract {

Check check_conclusion(const Event& event) {
    const auto& envelope = event.envelope;
    if (const auto* exited = event.as<VmExited>(); exited && !exited->expected && !exited->capsule)
        return violation(17, "vm.exited was not expected and has no capsule");
    const auto* summary = event.as<Summary>();
    const bool failed =
        event.is<CommandRejected>() || event.is<BootstrapFailed>() || (summary && summary->outcome == Outcome::failed);
    if (!failed) return {};
    if (envelope.severity < Severity::error)
        return violation(17, "a failed " + envelope.type + " has severity error or blocker");
    if (!envelope.error) return violation(17, "a failed " + envelope.type + " has an error");
    return {};
}

} // namespace castra::contract
