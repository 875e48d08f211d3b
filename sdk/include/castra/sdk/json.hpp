// SPDX-License-Identifier: Apache-2.0
// JSON for the glue: absent means default, "" and 0 are values, and a wrong type names its field.
#pragma once
#include <concepts>
#include <cstddef>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace castra::sdk {

using Json = nlohmann::json;

// An integer that is a fraction, a boolean or out of range is refused, where the library would convert it silently.
template <class T>
void get_exactly(const Json& from, T& out) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
        if (!from.is_number_integer()) throw std::invalid_argument("must be an integer, but is " + from.dump());
        const auto fits = from.is_number_unsigned() ? std::in_range<T>(from.get<std::uint64_t>())
                                                    : std::in_range<T>(from.get<std::int64_t>());
        if (!fits) throw std::invalid_argument("is out of range: " + from.dump());
    }
    from.get_to(out);
}

// Reads `key` into `out` when present. Throws std::invalid_argument naming the field when the type is wrong.
template <class T>
void read_field(const Json& from, const char* key, T& out) {
    const auto found = from.find(key);
    if (found == from.end()) return;
    try {
        get_exactly(*found, out);
    } catch (const nlohmann::json::exception& error) {
        throw std::invalid_argument(std::string("field \"") + key + "\": " + error.what());
    } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(std::string("field \"") + key + "\": " + error.what());
    }
}

template <class T>
void read_field(const Json& from, const char* key, std::optional<T>& out) {
    if (!from.contains(key)) return;
    T value{};
    read_field(from, key, value);
    out = std::move(value);
}

template <class T>
void write_field(Json& to, const char* key, const T& value) {
    to[key] = value;
}

template <class T>
void write_field(Json& to, const char* key, const std::optional<T>& value) {
    if (value) to[key] = *value;
}

} // namespace castra::sdk

// Both directions of a plain struct, from one list of its members, and the list itself: visit_members(type_identity<T>,
// visit) calls visit(name, member pointer); the payload schemas come from it. In the namespace of the struct.
// Templates, so that only who uses them pays for compiling them.
#define CASTRA_SDK_READ_(member) ::castra::sdk::read_field(from, #member, value.member);
#define CASTRA_SDK_WRITE_(member) ::castra::sdk::write_field(to, #member, value.member);
#define CASTRA_SDK_VISIT_(member) visit(#member, &Type_::member);
#define CASTRA_SDK_JSON(Type, ...)                                                                                     \
    template <std::same_as<nlohmann::json> Json_>                                                                      \
    void from_json(const Json_& from, Type& value) {                                                                   \
        if (!from.is_object()) throw std::invalid_argument(#Type " must be a JSON object");                            \
        NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(CASTRA_SDK_READ_, __VA_ARGS__))                                       \
    }                                                                                                                  \
    template <std::same_as<nlohmann::json> Json_>                                                                      \
    void to_json(Json_& to, const Type& value) {                                                                       \
        to = nlohmann::json::object();                                                                                 \
        NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(CASTRA_SDK_WRITE_, __VA_ARGS__))                                      \
    }                                                                                                                  \
    template <std::same_as<Type> Type_>                                                                                \
    void visit_members(std::type_identity<Type_>, auto&& visit) {                                                      \
        NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(CASTRA_SDK_VISIT_, __VA_ARGS__))                                      \
    }

// Both directions of an enum class by the names of its enumerators, and these names; in the namespace of the enum. An
// unknown name is refused.
#define CASTRA_SDK_FROM_NAME_(name)                                                                                    \
    if (text == #name) {                                                                                               \
        value = Enum_::name;                                                                                           \
        return;                                                                                                        \
    }
#define CASTRA_SDK_TO_NAME_(name)                                                                                      \
    if (value == Enum_::name) to = #name;
#define CASTRA_SDK_VISIT_NAME_(name) visit(#name);
#define CASTRA_SDK_ENUM(Type, ...)                                                                                     \
    template <std::same_as<nlohmann::json> Json_>                                                                      \
    void from_json(const Json_& from, Type& value) {                                                                   \
        using Enum_ = Type;                                                                                            \
        const std::string& text = from.template get_ref<const std::string&>();                                         \
        NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(CASTRA_SDK_FROM_NAME_, __VA_ARGS__))                                  \
        throw std::invalid_argument("unknown " #Type " \"" + text + "\", one of: " #__VA_ARGS__);                      \
    }                                                                                                                  \
    template <std::same_as<nlohmann::json> Json_>                                                                      \
    void to_json(Json_& to, Type value) {                                                                              \
        using Enum_ = Type;                                                                                            \
        NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(CASTRA_SDK_TO_NAME_, __VA_ARGS__))                                    \
    }                                                                                                                  \
    template <std::same_as<Type> Type_>                                                                                \
    void visit_names(std::type_identity<Type_>, auto&& visit) {                                                        \
        NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(CASTRA_SDK_VISIT_NAME_, __VA_ARGS__))                                 \
    }
