// SPDX-License-Identifier: Apache-2.0
#include "contract/plugin_rights.hpp"

namespace castra::contract {

Check check_plugin_rights(const Event& event) {
    const auto& envelope = event.envelope;
    constexpr std::string_view prefix = "plugin:";
    const std::string_view source = envelope.source;
    if (!source.starts_with(prefix)) {
        if (source != "kernel" && source != "broker")
            return violation(20, "source \"" + envelope.source + "\" is neither kernel, broker nor a plugin");
        if (event.is<Extension>())
            return violation(20, envelope.type + " is a plugin's to emit, not of " + envelope.source);
        return {};
    }
    const auto plugin = source.substr(prefix.size());
    if (envelope.severity == Severity::blocker) return violation(20, "severity blocker is not a plugin's to give");
    if (event.is<Message>()) return {};
    if (!event.is<Extension>()) return violation(20, envelope.type + " is not a plugin's to emit");
    const auto own = "x." + std::string(plugin) + ".";
    if (!envelope.type.starts_with(own)) return violation(20, envelope.type + " does not begin with " + own);
    if (envelope.family != Family::message) return violation(20, envelope.type + " is of family message");
    return {};
}

} // namespace castra::contract
