// SPDX-License-Identifier: Apache-2.0
// An event before the bus has stamped it: what the emitter knows. Made from a typed event with draft().
#pragma once
#include "contract/events.hpp"

namespace castra::contract {

struct Draft {
    std::string type;
    Family family = Family::message;
    Severity severity = Severity::info;
    std::string message;
    Json fields = Json::object(); // beyond the envelope, in the order of the description
    std::string source = "kernel";
    std::optional<std::string> vm, remediation;
    std::optional<std::int64_t> duration_ms, cause_seq;
    std::optional<ErrorField> error;
    std::optional<ProgressField> progress;
    std::optional<Json> ext;
    std::optional<bool> truncated, last, synthetic;

    Draft&& on(std::string name) && { return vm = std::move(name), std::move(*this); }
    Draft&& at(Severity value) && { return severity = value, std::move(*this); }
    Draft&& cure(std::string text) && {
        if (!text.empty()) remediation = std::move(text);
        return std::move(*this);
    }
    Draft&& because(ErrorField value) && { return error = std::move(value), std::move(*this); }
    Draft&& took(std::int64_t ms) && { return duration_ms = ms, std::move(*this); }
};

template <class Event>
Draft draft(const Event& event, std::string message) {
    Draft out;
    out.type = Event::about.type;
    out.family = Event::about.family;
    out.severity = Event::about.severity;
    out.message = std::move(message);
    encode_members(out.fields, event);
    return out;
}

// A `message` event; its text is the envelope's message.
Draft message(Severity severity, std::string text, std::string code = {});

// Where in which run an event stands; the bus alone makes these.
struct Stamp {
    std::string run_id, operation, project;
    std::int64_t seq = 0, unix_us = 0, elapsed_us = 0;
};

// The event as one JSON object, envelope first.
Json encode(const Draft& draft, const Stamp& stamp);

// One line with its line feed, at most line_bytes_max: the longest strings are cut and `truncated` is set. Invalid
// UTF-8 becomes U+FFFD.
std::string to_line(Json& event);

// Text from a guest or a tool, made fit for a field: control characters but line feed and tab become '?', invalid UTF-8
// U+FFFD, and only the last `bytes_max` bytes stay. `one_line` turns line feeds into spaces.
std::string clean_text(std::string_view text, std::size_t bytes_max, bool one_line);

} // namespace castra::contract
