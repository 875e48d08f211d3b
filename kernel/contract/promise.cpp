// SPDX-License-Identifier: Apache-2.0
#include "contract/promise.hpp"

namespace castra::contract {
namespace {

bool concludes_broker(const Event& event) {
    const auto* said = event.as<Message>();
    return event.is<BrokerStarted>() || event.is<BrokerStopped>() || (said && said->code == "broker_aborted");
}

} // namespace

Check Promise::check(const Event& event) const {
    const auto* summary = event.as<Summary>();
    if (!summary) return {};
    auto open = vms_;
    std::set<std::string_view> seen;
    for (const auto& result : summary->vms) {
        if (!seen.insert(result.vm).second) return violation(7, "vm " + result.vm + " is concluded twice", 1);
        open.erase(result.vm);
    }
    if (!open.empty()) return violation(7, "vm " + *open.begin() + " was promised and is not concluded", 1);
    if (owes_broker()) return violation(7, "the broker was promised and is not concluded", 1);
    return {};
}

void Promise::commit(const Event& event) {
    if (const auto* accepted = event.as<CommandAccepted>())
        for (const auto& expected : accepted->expects) {
            if (expected.kind == "vm") vms_.insert(expected.name);
            if (expected.kind == "broker") expects_broker_ = true;
        }
    if (concludes_broker(event)) broker_concluded_ = true;
}

std::vector<VmResult> Promise::owed(const Summary& summary, const std::string& reason) const {
    auto open = vms_;
    for (const auto& result : summary.vms)
        open.erase(result.vm);
    std::vector<VmResult> out;
    for (const auto& name : open)
        out.push_back({name, "unknown", VmOutcome::aborted, reason});
    return out;
}

} // namespace castra::contract
