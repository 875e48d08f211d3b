// SPDX-License-Identifier: Apache-2.0
#include "plugin/json_text.hpp"

#include <algorithm>

namespace castra {
namespace {

bool is_too_deep(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > json_depth_max) return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

} // namespace

Result<nlohmann::json> parse_json_object(std::string_view text) {
    if (is_too_deep(text))
        return fail(ErrorCode::plugin, "JSON nested deeper than " + std::to_string(json_depth_max) + " levels");
    auto value = nlohmann::json::parse(text, nullptr, false);
    if (value.is_discarded()) return fail(ErrorCode::plugin, "no JSON: \"" + clipped(text) + "\"");
    if (!value.is_object()) return fail(ErrorCode::plugin, "no JSON object: \"" + clipped(text) + "\"");
    return value;
}

std::string clipped(std::string_view text, std::size_t max) {
    std::string out(text.substr(0, max));
    std::replace_if(
        out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
    return text.size() > max ? out + "..." : out;
}

} // namespace castra
