// SPDX-License-Identifier: Apache-2.0
#include "contract/registry.hpp"

#include "contract/registry_build.hpp"

#include <algorithm>

namespace castra::contract {
namespace {

const FieldSpec* find_in(std::span<const FieldSpec> fields, std::string_view name) {
    const auto found = std::ranges::find(fields, name, &FieldSpec::name);
    return found == fields.end() ? nullptr : &*found;
}

} // namespace

std::string_view to_string(JsonType type) {
    constexpr std::array<std::string_view, 5> names{"string", "integer", "boolean", "object", "array"};
    return names[static_cast<std::size_t>(type)];
}

std::string_view to_string(Unit unit) {
    constexpr std::array<std::string_view, 7> names{"",      "milliseconds", "microseconds", "seconds",
                                                    "bytes", "count",        "utc_time"};
    return names[static_cast<std::size_t>(unit)];
}

const FieldSpec* TypeSpec::find_field(std::string_view name) const {
    return find_in(fields, name);
}

const TypeSpec* Registry::find_type(std::string_view type) const {
    const auto found = std::ranges::find(types_, type, [](const TypeSpec& spec) { return spec.about.type; });
    return found == types_.end() ? nullptr : &*found;
}

const FieldSpec* Registry::find_envelope_field(std::string_view name) const {
    return find_in(envelope_, name);
}

const Registry& registry() {
    static const Registry instance = registry_of<EventTypes>(contract_version);
    return instance;
}

} // namespace castra::contract
