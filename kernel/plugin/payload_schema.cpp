// SPDX-License-Identifier: Apache-2.0
#include "plugin/payload_schema.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "castra/sdk/bootstrap_step.hpp"
#include "castra/sdk/broker_launcher.hpp"
#include "castra/sdk/host.hpp"
#include "castra/sdk/launcher.hpp"
#include "castra/sdk/reporter.hpp"

namespace castra {
namespace {

using nlohmann::ordered_json;

// Who writes a payload: castra writes every member, a plugin may leave out what has its default.
enum class Writer { castra, plugin };

template <class T>
struct Element {
    static constexpr bool is_optional = false, is_list = false, is_map = false;
};
template <class T>
struct Element<std::optional<T>> : Element<T> {
    using type = T;
    static constexpr bool is_optional = true;
};
template <class T>
struct Element<std::vector<T>> {
    using type = T;
    static constexpr bool is_optional = false, is_list = true, is_map = false;
};
template <class T>
struct Element<std::map<std::string, T>> {
    using type = T;
    static constexpr bool is_optional = false, is_list = false, is_map = true;
};

template <class T>
ordered_json schema_of(Writer writer) {
    if constexpr (std::is_same_v<T, bool>) {
        return {{"type", "boolean"}};
    } else if constexpr (std::is_integral_v<T>) {
        ordered_json schema{{"type", "integer"}};
        if constexpr (sizeof(T) < 8)
            schema.update({{"minimum", std::numeric_limits<T>::min()}, {"maximum", std::numeric_limits<T>::max()}});
        else if constexpr (std::is_unsigned_v<T>)
            schema["minimum"] = 0;
        return schema;
    } else if constexpr (std::is_same_v<T, std::string>) {
        return {{"type", "string"}};
    } else if constexpr (std::is_same_v<T, sdk::Json>) {
        return {{"type", "object"}};
    } else if constexpr (std::is_enum_v<T>) {
        ordered_json schema{{"enum", ordered_json::array()}};
        visit_names(std::type_identity<T>(), [&](const char* name) { schema["enum"].push_back(name); });
        return schema;
    } else if constexpr (Element<T>::is_list) {
        return {{"type", "array"}, {"items", schema_of<typename Element<T>::type>(writer)}};
    } else if constexpr (Element<T>::is_map) {
        return {{"type", "object"}, {"additionalProperties", schema_of<typename Element<T>::type>(writer)}};
    } else {
        ordered_json schema{{"type", "object"}};
        auto required = ordered_json::array();
        auto members = ordered_json::object();
        visit_members(std::type_identity<T>(), [&]<class M>(const char* name, M T::*) {
            if constexpr (Element<M>::is_optional) {
                members[name] = schema_of<typename Element<M>::type>(writer);
            } else {
                members[name] = schema_of<M>(writer);
                if (writer == Writer::castra) required.push_back(name);
            }
        });
        if (!required.empty()) schema["required"] = std::move(required);
        schema["properties"] = std::move(members);
        return schema;
    }
}

// What `into` says of an object, and what `more` says besides.
ordered_json merged(ordered_json into, const ordered_json& more) {
    for (const auto& name : more.value("required", ordered_json::array()))
        into["required"].push_back(name);
    into["properties"].update(more["properties"]);
    return into;
}

// A request or reply as the glue of the SDK sees it in the method that an author overrides.
template <class First, class...>
ordered_json request_of() {
    if constexpr (std::is_same_v<First, sdk::Call>)
        return {{"type", "object"}};
    else
        return schema_of<First>(Writer::castra);
}

class Schemas {
public:
    template <class Kind, class Reply, class... Arguments>
    void add(const char* id, const char* slot, Reply (Kind::*)(const Arguments&...)) {
        auto request = request_of<Arguments...>();
        // Free objects to the glue, but castra fills them in.
        if constexpr (std::is_same_v<Kind, sdk::BootstrapStep>) {
            auto inputs = schema_of<sdk::StepInputs>(Writer::castra);
            if (std::string_view(slot) != "plan")
                inputs = merged(std::move(inputs), schema_of<sdk::StepRunInputs>(Writer::castra));
            request["properties"]["inputs"] = std::move(inputs);
        }
        put(id, slot, "request", std::move(request));
        if constexpr (std::is_void_v<Reply>)
            put(id, slot, "reply", {{"type", "object"}});
        else
            put(id, slot, "reply", schema_of<Reply>(Writer::plugin));
    }
    void put(const char* id, const char* slot, const char* payload, ordered_json schema) {
        ordered_json whole{{"$schema", "http://json-schema.org/draft-07/schema#"},
                           {"title", std::string(id) + " " + slot + (*slot != '\0' ? ": " : "") + payload}};
        whole.update(schema);
        all_.push_back({id, slot, payload, std::move(whole)});
    }
    std::vector<PayloadSchema> take() { return std::move(all_); }

private:
    std::vector<PayloadSchema> all_;
};

ordered_json object(const ordered_json& members) {
    ordered_json schema{{"type", "object"}, {"required", ordered_json::array()}, {"properties", members}};
    for (const auto& [name, member] : members.items())
        schema["required"].push_back(name);
    return schema;
}

// What a plugin asks of castra is the plugin's to write.
void add_host(Schemas& out) {
    const ordered_json text{{"type", "string"}}, empty{{"type", "object"}};
    const ordered_json level{{"enum", {"debug", "info", "warn", "error"}}};
    out.put(CASTRA_HOST_V1, "log", "request", object({{"level", level}, {"text", text}}));
    out.put(CASTRA_HOST_V1, "log", "reply", empty);
    auto emission = schema_of<sdk::Emission>(Writer::plugin);
    emission["required"] = {"type", "message"};
    emission["properties"]["severity"] = {{"enum", {"progress", "info", "warn", "error"}}};
    out.put(CASTRA_HOST_V1, "emit", "request", std::move(emission));
    out.put(CASTRA_HOST_V1, "emit", "reply", empty);
    out.put(CASTRA_HOST_V1, "now", "request", empty);
    out.put(CASTRA_HOST_V1, "now", "reply", schema_of<sdk::HostTime>(Writer::castra));
    out.put(CASTRA_HOST_V1, "cancelled", "request", empty);
    out.put(CASTRA_HOST_V1, "cancelled", "reply", object({{"cancelled", {{"type", "boolean"}}}}));
    out.put(CASTRA_SECRETS_V1, "read", "request", object({{"name", text}}));
    out.put(CASTRA_SECRETS_V1, "read", "reply", object({{"value", text}}));
}

} // namespace

std::string PayloadSchema::file() const {
    const auto from = interface_id.find('.') + 1;
    const auto name = interface_id.substr(from, interface_id.find('/') - from);
    return slot.empty() ? payload + ".json" : name + "/" + slot + "." + payload + ".json";
}

std::vector<PayloadSchema> payload_schemas() {
    Schemas out;
    out.add(CASTRA_LAUNCHER_V1, "requirements", &sdk::Launcher::requirements);
    out.add(CASTRA_LAUNCHER_V1, "plan", &sdk::Launcher::plan);
    out.add(CASTRA_LAUNCHER_V1, "explain_exit", &sdk::Launcher::explain_exit);
    out.add(CASTRA_BROKER_LAUNCHER_V1, "plan", &sdk::BrokerLauncher::plan);
    out.add(CASTRA_BOOTSTRAP_STEP_V1, "plan", &sdk::BootstrapStep::plan);
    out.add(CASTRA_BOOTSTRAP_STEP_V1, "apply", &sdk::BootstrapStep::apply);
    out.add(CASTRA_BOOTSTRAP_STEP_V1, "verify", &sdk::BootstrapStep::verify);
    out.add(CASTRA_REPORTER_V1, "open", &sdk::Reporter::open);
    out.add(CASTRA_REPORTER_V1, "events", &sdk::Reporter::events);
    out.add(CASTRA_REPORTER_V1, "flush", &sdk::Reporter::flush);
    out.add(CASTRA_REPORTER_V1, "close", &sdk::Reporter::close);
    add_host(out);
    auto error = schema_of<sdk::RefusalText>(Writer::plugin);
    error["required"] = {"code", "title"};
    out.put("every interface", "", "error", std::move(error));
    return out.take();
}

} // namespace castra
