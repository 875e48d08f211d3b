// SPDX-License-Identifier: Apache-2.0
#include "operations/broker_status.hpp"

#include "broker/host_client.hpp"

#include <algorithm>
#include <filesystem>

namespace castra {
namespace {

constexpr Milliseconds broker_wait{250}; // a broker that hangs is one that is not reachable

void apply(const nlohmann::json& said, BrokerStatus& broker, std::vector<VmStatus>& vms) {
    if (!said.is_array()) return;
    broker.is_reachable = true;
    for (const auto& session : said) {
        if (session.value("kind", "") != "guest") continue;
        ++broker.sessions;
        const auto age = session.value("handshake_age_ms", std::int64_t{0});
        broker.last_handshake_age_ms = std::min(age, broker.last_handshake_age_ms.value_or(age));
        for (auto& vm : vms) {
            if (vm.name != session.value("vm", "") || vm.incarnation != session.value("incarnation", "")) continue;
            vm.handshake_age_ms = age;
            vm.subscribed = session.value("subscribed", nlohmann::json::array());
        }
    }
}

} // namespace

Task<BrokerStatus> broker_status(Host& host, Layout layout, const ProjectConfig* config, std::vector<VmStatus>& vms) {
    BrokerStatus broker;
    broker.is_wanted = config && !config->broker.launcher.empty() && config->broker.launcher != "none";
    std::error_code ignored;
    if (!std::filesystem::exists(layout.broker_socket(), ignored)) co_return broker;
    const auto said = co_await broker::broker_sessions(host, layout.broker_socket(), broker_wait);
    apply(said, broker, vms);
    co_return broker;
}

nlohmann::ordered_json to_json(const BrokerStatus& broker) {
    nlohmann::ordered_json json{
        {"wanted", broker.is_wanted}, {"reachable", broker.is_reachable}, {"guest_sessions", broker.sessions}};
    if (broker.last_handshake_age_ms) json["last_handshake_age_ms"] = *broker.last_handshake_age_ms;
    return json;
}

std::optional<contract::Draft> broker_event(const BrokerStatus& broker, const std::vector<VmStatus>& vms) {
    if (!broker.is_wanted && !broker.is_reachable) return std::nullopt;
    if (!broker.is_reachable) {
        const bool is_missed = std::ranges::any_of(vms, [](const VmStatus& vm) { return vm.pid > 0; });
        return contract::message(is_missed ? contract::Severity::warn : contract::Severity::info,
                                 "the broker does not answer", "status")
            .cure(is_missed ? "castra up starts it; see broker.log in the project's state" : "");
    }
    auto text = "the broker runs, " + std::to_string(broker.sessions) +
                (broker.sessions == 1 ? " guest has a session" : " guests have a session");
    if (broker.last_handshake_age_ms)
        text += ", the last handshake was " + std::to_string(*broker.last_handshake_age_ms / 1000) + " s ago";
    return contract::message(contract::Severity::info, text, "status");
}

} // namespace castra
