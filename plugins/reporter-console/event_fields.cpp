// SPDX-License-Identifier: Apache-2.0
#include "event_fields.hpp"

#include <cstdio>

namespace castra::console {

using sdk::Json;

std::string text_of(const Json& from, const char* key) {
    const auto found = from.is_object() ? from.find(key) : from.end();
    return from.is_object() && found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}
double number_of(const Json& from, const char* key, double otherwise) {
    const auto found = from.is_object() ? from.find(key) : from.end();
    return from.is_object() && found != from.end() && found->is_number() ? found->get<double>() : otherwise;
}
int small_number_of(const Json& from, const char* key) {
    const auto value = number_of(from, key);
    return value >= -65536 && value <= 65536 ? static_cast<int>(value) : 0;
}
const Json& child_of(const Json& from, const char* key) {
    static const Json none = Json::object();
    const auto found = from.is_object() ? from.find(key) : from.end();
    return from.is_object() && found != from.end() ? *found : none;
}

bool is_loud(std::string_view severity) {
    return severity == "warn" || severity == "error" || severity == "blocker";
}

std::string seconds(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%6.2fs", value);
    return text;
}

} // namespace castra::console
