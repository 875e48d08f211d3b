// SPDX-License-Identifier: Apache-2.0
#include "plugin/host_services.hpp"

#include "plugin/json_text.hpp"

namespace castra {
namespace {

using nlohmann::json;

bool write(const castra_sink* sink, const json& value) {
    if (sink == nullptr || sink->write == nullptr) return true;
    const auto text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    return sink->write(sink->self, {text.data(), text.size()}) == 0;
}

std::int32_t refuse(const castra_sink* error, std::int32_t status, const char* code, const std::string& title,
                    const std::string& hint = {}) {
    json said{{"code", code}, {"title", title}};
    if (!hint.empty()) said["hint"] = hint;
    write(error, said);
    return status;
}

PluginLogLevel level_of(const std::string& name) {
    if (name == "debug") return PluginLogLevel::debug;
    if (name == "warn") return PluginLogLevel::warn;
    if (name == "error") return PluginLogLevel::error;
    return PluginLogLevel::info;
}

// What each slot does with a decoded request: the answer, or an error for the plugin.
Result<json> log(HostTable& host, const json& request) {
    host.services().log(host.plugin(), level_of(request.value("level", "info")), request.value("text", ""));
    return json::object();
}
Result<json> emit(HostTable& host, const json& request) {
    CASTRA_CHECK(host.services().emit(host.plugin(), request));
    return json::object();
}
Result<json> now(HostTable& host, const json&) {
    const auto time = host.services().now();
    return json{{"unix_us", time.unix_us}, {"monotonic_ns", time.monotonic_ns}};
}
Result<json> cancelled(HostTable& host, const json&) {
    return json{{"cancelled", host.services().cancelled()}};
}

Result<json> read_secret(HostTable& host, const json& request) {
    CASTRA_TRY(secret, host.services().secret(host.plugin(), request.at("name").get<std::string>()));
    return json{{"value", secret.reveal()}};
}

// The border from their side: nothing that a plugin passes in makes us throw into its C frames.
template <auto Function>
std::int32_t slot(void* self, const castra_call*, castra_bytes request, const castra_sink* reply,
                  const castra_sink* error) noexcept {
    try {
        const std::string_view text(static_cast<const char*>(request.data), request.data ? request.size : 0);
        const auto decoded = text.empty() ? json::object() : parse_json_object(text);
        if (!decoded) return refuse(error, CASTRA_INVALID_REQUEST, "invalid_request", decoded.error().text);
        const auto answer = Function(*static_cast<HostTable*>(self), *decoded);
        if (!answer) return refuse(error, CASTRA_FAILED, "refused", answer.error().text, answer.error().hint);
        return write(reply, *answer) ? CASTRA_OK : CASTRA_FAILED;
    } catch (const json::exception& problem) { // a field of the wrong type
        return refuse(error, CASTRA_INVALID_REQUEST, "invalid_request", problem.what());
    } catch (...) {
        return CASTRA_INTERNAL;
    }
}

constexpr castra_slot slots[CASTRA_HOST_SLOTS] = {slot<log>, slot<emit>, slot<now>, slot<cancelled>};
constexpr castra_interface host_interface{sizeof(castra_interface), CASTRA_HOST_SLOTS, slots};
constexpr castra_slot secret_slots[CASTRA_SECRETS_SLOTS] = {slot<read_secret>};
constexpr castra_interface secret_interface{sizeof(castra_interface), CASTRA_SECRETS_SLOTS, secret_slots};

const castra_interface* find_interface(const castra_host*, const char* id) noexcept {
    if (id == nullptr) return nullptr;
    if (std::string_view(id) == CASTRA_HOST_V1) return &host_interface;
    return std::string_view(id) == CASTRA_SECRETS_V1 ? &secret_interface : nullptr;
}

} // namespace

HostTable::HostTable(HostServices& services, std::string plugin) : services_(services), plugin_(std::move(plugin)) {
    table_ = {sizeof(castra_host), CASTRA_ABI_MAJOR, CASTRA_ABI_MINOR, this, find_interface};
}

} // namespace castra
