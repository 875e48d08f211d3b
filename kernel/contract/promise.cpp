// SPDX-License-Identifier: Apache-2.0
#include "contract/promise.hpp"

namespace castra::contract {
namespace {

Check check_accepted(const CommandAccepted& accepted) {
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for (const auto& expected : accepted.expects)
        if (!seen.emplace(expected.kind, expected.name).second)
            return violation(7, expected.kind + " " + expected.name + " is promised twice");
    return {};
}

} // namespace

Check Promise::check(const Event& event) const {
    if (const auto* accepted = event.as<CommandAccepted>()) return check_accepted(*accepted);
    const auto* summary = event.as<Summary>();
    if (!summary) return {};
    auto open = vms_;
    std::set<std::string_view> seen;
    for (const auto& result : summary->vms) {
        if (!seen.insert(result.vm).second) return violation(7, "vm " + result.vm + " is concluded twice", 1);
        open.erase(result.vm);
    }
    if (!open.empty()) return violation(7, "vm " + *open.begin() + " was promised and is not concluded", 1);
    if (const auto brokers = owed_brokers(); !brokers.empty())
        return violation(7, "broker " + brokers.front() + " was promised and is not concluded", 1);
    if (!brokers_.empty() && aborted_.size() + (broker_seen_ ? 1 : 0) > brokers_.size())
        return violation(7, "broker " + *brokers_.begin() + " is concluded twice", 1);
    return {};
}

void Promise::commit(const Event& event) {
    if (const auto* accepted = event.as<CommandAccepted>())
        for (const auto& expected : accepted->expects) {
            if (expected.kind == "vm") vms_.insert(expected.name);
            if (expected.kind == "broker") brokers_.insert(expected.name);
        }
    if (event.is<BrokerStarted>() || event.is<BrokerStopped>()) broker_seen_ = true;
    if (const auto* said = event.as<Message>();
        said && said->code == "broker_aborted" && said->path && brokers_.contains(*said->path))
        aborted_.insert(*said->path);
}

std::vector<std::string> Promise::owed_brokers() const {
    std::vector<std::string> out;
    if (aborted_.size() + (broker_seen_ ? 1 : 0) >= brokers_.size()) return out;
    for (const auto& name : brokers_)
        if (!aborted_.contains(name)) out.push_back(name);
    return out;
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
