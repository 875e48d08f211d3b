// SPDX-License-Identifier: Apache-2.0
// Host: what the kernel offers a plugin, typed. host() is valid from the first constructor to the last destructor.
// Thread: any. Errors: log never throws; the others throw Refusal with the kernel's own words.
#pragma once
#include "castra/abi/host.h"
#include "castra/sdk/refusal.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace castra::sdk {

// An event of the plugin's own. Type: "x.<plugin>.<name>", or a registered one that its kind may emit.
struct Emission {
    std::string type, message;
    std::string severity = "info"; // progress, info, warn, error
    std::optional<std::string> vm;
    std::optional<Json> fields;             // of a registered type
    std::optional<Json> ext;                // the plugin's own
    std::optional<Json> progress;           // {current, total?, unit}; with severity progress
    std::optional<std::string> span;        // id of the work that `progress` is of
    std::optional<std::string> remediation; // the usual cure
};
CASTRA_SDK_JSON(Emission, type, message, severity, vm, fields, ext, progress, span, remediation)

struct HostTime {
    std::int64_t unix_us = 0, monotonic_ns = 0;
};
CASTRA_SDK_JSON(HostTime, unix_us, monotonic_ns)

class Host {
public:
    explicit Host(const castra_host* table) : table_(table) {}

    void debug(std::string_view text) const noexcept { log("debug", text); }
    void info(std::string_view text) const noexcept { log("info", text); }
    void warn(std::string_view text) const noexcept { log("warn", text); }
    void error(std::string_view text) const noexcept { log("error", text); }
    // Level: debug, info, warn, error. The diagnostic log; no event.
    void log(std::string_view level, std::string_view text) const noexcept {
        try {
            call(CASTRA_HOST_V1, CASTRA_HOST_LOG, {{"level", level}, {"text", text}});
        } catch (...) { // a lost log line is no reason to fail
        }
    }
    void emit(const Emission& event) const { call(CASTRA_HOST_V1, CASTRA_HOST_EMIT, event); }
    HostTime now() const { return call(CASTRA_HOST_V1, CASTRA_HOST_NOW, Json::object()).get<HostTime>(); }
    bool cancelled() const {
        return call(CASTRA_HOST_V1, CASTRA_HOST_CANCELLED, Json::object()).value("cancelled", false);
    }
    // The secret of that name in castra.toml's [[secrets]], which must list this plugin. From then on castra masks it
    // in every event and log line. Ask when it is needed; do not keep it longer than that.
    std::string secret(std::string_view name) const {
        return call(CASTRA_SECRETS_V1, CASTRA_SECRETS_READ, {{"name", name}}).at("value").get<std::string>();
    }

private:
    static std::int32_t append(void* text, castra_bytes chunk) {
        try {
            static_cast<std::string*>(text)->append(static_cast<const char*>(chunk.data), chunk.size);
            return 0;
        } catch (...) {
            return 1;
        }
    }
    Json call(const char* id, std::uint32_t slot, const Json& request) const {
        const auto* interface = table_ ? table_->find_interface(table_, id) : nullptr;
        if (interface == nullptr || slot >= interface->slot_count || interface->slots[slot] == nullptr)
            throw Refusal({.code = "no_host", .title = "the host does not offer this function"});
        std::string reply, error;
        const castra_sink reply_sink{&reply, append}, error_sink{&error, append};
        const castra_call context{sizeof(castra_call), 0, 0, 0, -1, 0};
        const auto text = request.dump(-1, ' ', false, Json::error_handler_t::replace);
        const auto status =
            interface->slots[slot](table_->self, &context, {text.data(), text.size()}, &reply_sink, &error_sink);
        if (status == CASTRA_OK) return reply.empty() ? Json::object() : Json::parse(reply);
        const auto said = Json::parse(error, nullptr, false);
        if (said.is_object()) throw Refusal(said.get<RefusalText>());
        throw Refusal({.code = "host", .title = "the host refused a call", .detail = error});
    }

    const castra_host* table_;
};

namespace detail {
// Set once by castra_plugin::init, before anything else runs. One per .so: symbols are hidden.
inline constinit std::atomic<const castra_host*> host_table{nullptr};
} // namespace detail

inline Host host() {
    return Host(detail::host_table.load());
}

} // namespace castra::sdk
