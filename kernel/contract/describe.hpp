// SPDX-License-Identifier: Apache-2.0
// How an event describes itself. An event type is a plain struct with a static describe(visitor) that names each member
// once, with what it means; the encoder, the shape check, the schema and the docs all walk that one list.
// The JSON type follows from the member's C++ type, presence from std::optional.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace castra::contract {

using Json = nlohmann::ordered_json;

enum class Unit { none, milliseconds, microseconds, seconds, bytes, count, utc_time };

// What a member says about itself beyond its C++ type. `known`: the values of an open enum (readers accept others).
struct Note {
    std::string_view meaning;
    Unit unit = Unit::none;
    std::string_view example;                           // JSON text
    std::initializer_list<std::string_view> known = {}; // lives as long as the visit
    std::string_view since = "1.0";
    bool masked = false;              // secrets in it are masked before anybody sees it; `redacted` names it then
    std::string_view deprecated = {}; // since when and what to read instead; empty: in use
};

// Closed enums specialise this: the wire strings, in the order of the enumerators.
template <class E>
struct EnumText;

template <class E>
requires std::is_enum_v<E>
constexpr std::string_view text_of(E value) {
    return EnumText<E>::values[static_cast<std::size_t>(value)];
}

template <class T>
struct Unwrapped {
    using type = T;
    static constexpr bool optional = false;
};
template <class T>
struct Unwrapped<std::optional<T>> {
    using type = T;
    static constexpr bool optional = true;
};

template <class T>
constexpr bool is_vector = false;
template <class T>
constexpr bool is_vector<std::vector<T>> = true;

template <class T>
concept Described = requires {
    T::describe([](auto&&...) {});
};

} // namespace castra::contract
