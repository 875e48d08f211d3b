// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/spec_diff.hpp"

#include <map>
#include <set>

namespace castra {
namespace {

using nlohmann::json;

// Every value under its pointer; an empty list or table is a value too.
void flatten(const json& value, const std::string& at, std::map<std::string, json>& out) {
    if (!value.is_structured() || value.empty()) {
        out[at] = value;
        return;
    }
    for (const auto& [key, inner] : value.items())
        flatten(inner, at + "/" + key, out);
}

// Where an automatic port was wanted, whichever it became is right.
void forget_automatic_ports(json& launched, json& wanted) {
    auto& before = launched["port_forwards"];
    auto& now = wanted["port_forwards"];
    if (!before.is_array() || !now.is_array()) return;
    for (std::size_t i = 0; i < before.size() && i < now.size(); ++i)
        if (before[i].is_object() && now[i].value("host", 0) == 0) before[i]["host"] = 0;
}

// Environment variables carry passwords.
bool may_be_secret(const std::string& field) {
    return field.starts_with("/options/env/");
}

} // namespace

std::vector<SpecChange> spec_changes(const std::string& launched_by, const json& launched, const std::string& launcher,
                                     const sdk::VmSpec& wanted) {
    auto before = launched.is_object() ? launched : json::object();
    json now = wanted;
    forget_automatic_ports(before, now);
    if (wanted.base_format.empty()) now["base_format"] = before["base_format"]; // the file is gone, its VM has it open
    for (auto* spec : {&before, &now})
        spec->erase("uuid");
    before["launcher"] = launched_by;
    now["launcher"] = launcher;
    std::map<std::string, json> old_values;
    std::map<std::string, json> new_values;
    flatten(before, "", old_values);
    flatten(now, "", new_values);
    std::set<std::string> fields;
    for (const auto& values : {old_values, new_values})
        for (const auto& [field, value] : values)
            fields.insert(field);
    std::vector<SpecChange> changes;
    for (const auto& field : fields) {
        const auto from = old_values.contains(field) ? old_values[field] : json();
        const auto to = new_values.contains(field) ? new_values[field] : json();
        if (from == to) continue;
        if (may_be_secret(field))
            changes.push_back({field, {}, {}, true});
        else
            changes.push_back({field, from, to, false});
    }
    return changes;
}

std::string to_string(const std::vector<SpecChange>& changes) {
    std::string text;
    for (const auto& change : changes) {
        auto value = [](const json& of) { return of.is_null() ? std::string("nothing") : of.dump(); };
        text += (text.empty() ? "" : ", ") + change.field.substr(1);
        text += change.is_redacted ? " (not shown)" : " " + value(change.from) + " -> " + value(change.to);
    }
    return text;
}

nlohmann::ordered_json to_json(const std::vector<SpecChange>& changes) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& change : changes) {
        nlohmann::ordered_json one{{"field", change.field}};
        if (!change.is_redacted && !change.from.is_null()) one["from"] = change.from;
        if (!change.is_redacted && !change.to.is_null()) one["to"] = change.to;
        if (change.is_redacted) one["redacted"] = true;
        list.push_back(std::move(one));
    }
    return list;
}

} // namespace castra
