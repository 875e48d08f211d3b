// SPDX-License-Identifier: Apache-2.0
#include "contract/cloudevents.hpp"

#include "contract/describe.hpp"

namespace castra::contract {
namespace {

// What a path segment of a URI may hold stays; everything else is escaped.
std::string uri_part(std::string_view text) {
    constexpr std::string_view plain = "-._~:!$&'()*+,;=@";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (is_letter || plain.find(c) != plain.npos)
            out += c;
        else
            (out += '%') += {digits[byte >> 4U], digits[byte & 15U]};
    }
    return out;
}

std::string host_part(std::string_view text) { // a colon would begin a port there, and an at sign end a user
    std::string out;
    for (const char c : uri_part(text))
        out += c == ':' ? "%3A" : c == '@' ? "%40" : std::string(1, c);
    return out;
}

} // namespace

std::optional<std::string> to_cloudevent(std::string_view line) {
    while (line.ends_with('\n'))
        line.remove_suffix(1);
    try {
        const auto event = Json::parse(line);
        const auto text = [&](const char* key) { return event.at(key).get<std::string>(); };
        Json out;
        out["specversion"] = "1.0";
        out["id"] = text("run_id") + ":" + std::to_string(event.at("seq").get<std::int64_t>());
        out["source"] = "castra://" + host_part(text("project")) + "/" + uri_part(text("source"));
        out["type"] = "castra." + text("type");
        if (event.contains("vm") && !text("vm").empty()) out["subject"] = text("vm");
        out["time"] = text("time");
        out["severity"] = text("severity");
        out["datacontenttype"] = "application/json";
        auto head = out.dump(-1, ' ', false, Json::error_handler_t::replace);
        head.pop_back();
        return head + ",\"data\":" + std::string(line) + "}";
    } catch (const Json::exception&) {
        return {};
    }
}

} // namespace castra::contract
