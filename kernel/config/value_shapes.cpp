// SPDX-License-Identifier: Apache-2.0
#include "config/value_shapes.hpp"

namespace castra::value_shapes {
namespace {

constexpr const char* no_controls = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";
constexpr const char* tabs_and_line_ends_only = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$";

// "auto" -> "[aA][uU][tT][oO]"
std::string in_any_case(std::string_view word) {
    std::string out;
    for (const char c : word) {
        if (c >= 'a' && c <= 'z')
            out += std::string("[") + c + static_cast<char>(c - 'a' + 'A') + "]";
        else
            out += c == '.' ? std::string("\\.") : std::string(1, c);
    }
    return out;
}

} // namespace

json line() {
    return {{"type", "string"}, {"maxLength", limits::text_bytes_max}, {"pattern", no_controls}};
}

json script() {
    return {{"type", "string"}, {"maxLength", limits::script_bytes_max}, {"pattern", tabs_and_line_ends_only}};
}

json name() {
    return {{"type", "string"},
            {"pattern", "^[a-z0-9]([a-z0-9-]{0," + std::to_string(limits::name_letters_max - 2) + "}[a-z0-9])?$"}};
}

// "~/x" is understood, the home of another user is not.
json path() {
    return {{"type", "string"},
            {"minLength", 1},
            {"maxLength", limits::text_bytes_max},
            {"pattern", "^(?!~[^/])[^\\u0000-\\u001f\\u007f-\\u009f]*$"}};
}

json names(std::size_t count_max) {
    return {{"type", "array"}, {"minItems", 1}, {"maxItems", count_max}, {"items", name()}};
}

json paths(std::size_t count_max) {
    return {{"type", "array"}, {"maxItems", count_max}, {"items", path()}};
}

json choice(const std::vector<std::pair<std::string_view, bool>>& words) {
    auto proposed = json::array();
    std::string all;
    for (const auto& [word, is_proposed] : words) {
        if (is_proposed) proposed.push_back(word);
        all += (all.empty() ? "" : "|") + in_any_case(word);
    }
    return {{"anyOf", {json{{"enum", proposed}}, json{{"type", "string"}, {"pattern", "^(" + all + ")$"}}}}};
}

json boolean() {
    return {{"type", "boolean"}};
}

json integer(std::int64_t min, std::int64_t max) {
    return {{"type", "integer"}, {"minimum", min}, {"maximum", max}};
}

json seconds(std::int64_t min) {
    return {{"type", "number"}, {"minimum", min}, {"maximum", limits::seconds_max}};
}

// A number without a unit is MiB.
json memory() {
    const auto text =
        json{{"type", "string"}, {"pattern", "^[0-9]*\\.?[0-9]+([eE][+-]?[0-9]+)? *(([kKmMgGtT][iI]?)?[bB])? *$"}};
    return {{"anyOf",
             {text, integer(static_cast<std::int64_t>(limits::memory_bytes_min >> 20),
                            static_cast<std::int64_t>(limits::memory_bytes_max >> 20))}}};
}

json env() {
    return {{"type", "object"},
            {"maxProperties", limits::env_entries_max},
            {"propertyNames", {{"pattern", "^[A-Za-z_][A-Za-z0-9_]{0,255}$"}}},
            {"additionalProperties", script()}};
}

json free_table() {
    return {{"type", "object"}};
}

json pattern(std::string_view expression) {
    return {{"type", "string"}, {"maxLength", limits::text_bytes_max}, {"pattern", expression}};
}

} // namespace castra::value_shapes
