// SPDX-License-Identifier: Apache-2.0
// Makes a registry of a tuple of event structs. The kernel does it once, for EventTypes; a test may build the registry
// of a contract that does not exist yet. A struct may say two more things about itself as static members: `moment`,
// when it is written if that is not afterwards, and `deprecated`, since when and what to read instead.
#pragma once
#include "contract/registry.hpp"

namespace castra::contract {

inline constexpr std::string_view moment_after = "when it has happened";
inline constexpr std::string_view moment_before = "before it happens";

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
        spec.masked = note.masked;
        spec.deprecated = note.deprecated;
        spec.known.assign(note.known.begin(), note.known.end());
        fill_type<typename Unwrapped<Held>::type>(spec);
    });
    return specs;
}

template <class E>
TypeSpec type_spec_of() {
    TypeSpec spec{E::about, moment_after, {}, specs_of<E>()};
    if constexpr (requires { E::moment; }) spec.moment = E::moment;
    if constexpr (requires { E::deprecated; }) spec.deprecated = E::deprecated;
    return spec;
}

// `Types` is a std::tuple of event structs, `version` a literal.
template <class Types>
Registry registry_of(std::string_view version) {
    std::vector<TypeSpec> types;
    [&types]<class... E>(std::type_identity<std::tuple<E...>>) {
        (types.push_back(type_spec_of<E>()), ...);
    }(std::type_identity<Types>{});
    return Registry(version, specs_of<Envelope>(), std::move(types));
}

} // namespace castra::contract
