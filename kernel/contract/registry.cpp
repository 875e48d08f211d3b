// SPDX-License-Identifier: Apache-2.0
#include "contract/registry.hpp"

#include <algorithm>

namespace castra::contract {
namespace {

template <class T>
std::vector<FieldSpec> specs_of();

template <class T>
void fill_type(FieldSpec& spec) {
    if constexpr (std::is_enum_v<T>) {
        spec.type = JsonType::string;
        spec.closed = EnumText<T>::values;
    } else if constexpr (std::is_same_v<T, std::string>) {
        spec.type = JsonType::string;
    } else if constexpr (std::is_same_v<T, bool>) {
        spec.type = JsonType::boolean;
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        spec.type = JsonType::integer;
    } else if constexpr (is_vector<T>) {
        spec.type = JsonType::array;
        fill_type<typename T::value_type>(spec.item.emplace_back());
    } else if constexpr (std::is_same_v<T, Json>) {
        spec.type = JsonType::object;
    } else {
        static_assert(Described<T>, "a member of an event must be of a type that the contract knows");
        spec.type = JsonType::object;
        spec.members = specs_of<T>();
    }
}

template <class T>
std::vector<FieldSpec> specs_of() {
    std::vector<FieldSpec> specs;
    T::describe([&](std::string_view name, auto member, const Note& note) {
        using Held = std::remove_cvref_t<decltype(std::declval<T&>().*member)>;
        auto& spec = specs.emplace_back();
        spec.name = name;
        spec.required = !Unwrapped<Held>::optional;
        spec.meaning = note.meaning;
        spec.example = note.example;
        spec.since = note.since;
        spec.unit = note.unit;
        spec.known.assign(note.known.begin(), note.known.end());
        fill_type<typename Unwrapped<Held>::type>(spec);
    });
    return specs;
}

const FieldSpec* find_in(std::span<const FieldSpec> fields, std::string_view name) {
    const auto found = std::ranges::find(fields, name, &FieldSpec::name);
    return found == fields.end() ? nullptr : &*found;
}

} // namespace

std::string_view to_string(JsonType type) {
    constexpr std::array<std::string_view, 5> names{"string", "integer", "boolean", "object", "array"};
    return names[static_cast<std::size_t>(type)];
}

const FieldSpec* TypeSpec::find_field(std::string_view name) const {
    return find_in(fields, name);
}

Registry::Registry() : envelope_(specs_of<Envelope>()) {
    [this]<class... E>(std::type_identity<std::tuple<E...>>) {
        (types_.push_back({E::about, specs_of<E>()}), ...);
    }(std::type_identity<EventTypes>{});
}

const TypeSpec* Registry::find_type(std::string_view type) const {
    const auto found = std::ranges::find(types_, type, [](const TypeSpec& spec) { return spec.about.type; });
    return found == types_.end() ? nullptr : &*found;
}

const FieldSpec* Registry::find_envelope_field(std::string_view name) const {
    return find_in(envelope_, name);
}

const Registry& registry() {
    static const Registry instance;
    return instance;
}

} // namespace castra::contract
