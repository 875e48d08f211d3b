// SPDX-License-Identifier: Apache-2.0
#include "contract/draft.hpp"

#include <cstdio>
#include <ctime>

namespace castra::contract {
namespace {

std::string utc_text(std::int64_t unix_us) {
    const std::time_t seconds = unix_us / 1000000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                  parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(unix_us % 1000000));
    return text;
}

std::string dump(const Json& event) {
    return event.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The longest string anywhere in the event, apart from the envelope's fixed words.
std::string* longest_string(Json& value) {
    if (value.is_string()) return value.get_ptr<std::string*>();
    std::string* longest = nullptr;
    if (value.is_structured())
        for (auto& member : value)
            if (auto* found = longest_string(member); found && (!longest || found->size() > longest->size()))
                longest = found;
    return longest;
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

} // namespace

Draft message(Severity severity, std::string text, std::string code) {
    Message event;
    event.text = text;
    if (!code.empty()) event.code = std::move(code);
    return draft(event, std::move(text)).at(severity);
}

Json encode(const Draft& from, const Stamp& stamp) {
    Envelope envelope;
    envelope.type = from.type;
    envelope.family = from.family;
    envelope.run_id = stamp.run_id;
    envelope.seq = stamp.seq;
    envelope.time = utc_text(stamp.unix_us);
    envelope.elapsed_us = stamp.elapsed_us;
    envelope.severity = from.severity;
    envelope.message = from.message;
    envelope.operation = stamp.operation;
    envelope.project = stamp.project;
    envelope.source = from.source;
    envelope.vm = from.vm;
    envelope.remediation = from.remediation;
    envelope.duration_ms = from.duration_ms;
    envelope.cause_seq = from.cause_seq;
    envelope.error = from.error;
    envelope.progress = from.progress;
    envelope.ext = from.ext;
    envelope.truncated = from.truncated;
    envelope.last = from.last;
    envelope.synthetic = from.synthetic;
    Json event = Json::object();
    encode_members(event, envelope);
    for (const auto& [name, value] : from.fields.items())
        event[name] = value;
    return event;
}

std::string to_line(Json& event) {
    auto line = dump(event);
    while (line.size() + 1 > line_bytes_max) {
        auto* longest = longest_string(event);
        const auto excess = line.size() + 1 - line_bytes_max;
        if (!longest || longest->size() < 64) break; // thousands of short members: shape limits stop that earlier
        // Escapes make a byte of text up to six of JSON, so cutting the excess is enough but may cut more than needed.
        auto keep = longest->size() > excess + 64 ? longest->size() - excess - 8 : longest->size() / 2;
        while (keep > 0 && is_continuation((*longest)[keep]))
            --keep;
        longest->resize(keep);
        longest->append("...");
        event["truncated"] = true;
        line = dump(event);
    }
    line += '\n';
    return line;
}

std::string clean_text(std::string_view text, std::size_t bytes_max, bool one_line) {
    if (text.size() > bytes_max) {
        text.remove_prefix(text.size() - bytes_max);
        while (!text.empty() && is_continuation(text.front()))
            text.remove_prefix(1);
    }
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\r') continue;
        if (c == '\n' || c == '\t')
            out += one_line ? ' ' : c;
        else
            out += (byte < 0x20 || byte == 0x7f) ? '?' : c;
    }
    // One trip through the encoder replaces invalid UTF-8 by U+FFFD.
    return Json::parse(dump(Json(out))).get<std::string>();
}

} // namespace castra::contract
