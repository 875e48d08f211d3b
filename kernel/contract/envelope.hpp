// SPDX-License-Identifier: Apache-2.0
// The fields that every event may carry, flat, before its own. The bus fills what only it can know (seq, time ...).
#pragma once
#include "contract/enums.hpp"

namespace castra::contract {

inline constexpr std::string_view contract_version = "1.0";
inline constexpr std::size_t line_bytes_max = 64 * 1024;      // with the line feed
inline constexpr std::int64_t integer_max = 9007199254740991; // 2^53 - 1: what every JSON reader holds exactly

struct ErrorField {
    std::string code, title;
    std::optional<std::string> detail;
    bool retryable = false;
    static void describe(auto&& visit) {
        visit("code", &ErrorField::code, Note{"Stable word for programs", {}, "\"launch\""});
        visit("title", &ErrorField::title, Note{"What failed", {}, "\"web-0 did not become ready\""});
        visit("detail", &ErrorField::detail, Note{"Why, as far as known", {}, "\"no marker within 120 s\""});
        visit("retryable", &ErrorField::retryable, Note{"Whether the same command may succeed later", {}, "true"});
    }
};

struct ProgressField {
    std::int64_t current = 0;
    std::optional<std::int64_t> total;
    std::string unit;
    static void describe(auto&& visit) {
        visit("current", &ProgressField::current, Note{"Done so far; never decreases", {}, "3"});
        visit("total", &ProgressField::total, Note{"Known end", {}, "20"});
        visit("unit", &ProgressField::unit, Note{"What is counted", {}, "\"vms\""});
    }
};

struct Envelope {
    std::string type;
    Family family = Family::message;
    std::string contract{contract_version};
    std::string run_id;
    std::int64_t seq = 0;
    std::string time;
    std::int64_t elapsed_us = 0;
    Severity severity = Severity::info;
    std::string message, operation, project, source;
    std::optional<std::string> vm, span, parent_span;
    std::optional<std::int64_t> duration_ms, cause_seq;
    std::optional<std::string> remediation;
    std::optional<ErrorField> error;
    std::optional<ProgressField> progress;
    std::optional<std::vector<std::string>> redacted;
    std::optional<bool> truncated;
    std::optional<std::string> data_ref;
    std::optional<Json> ext;
    std::optional<bool> last, synthetic;

    static void describe(auto&& visit) {
        using E = Envelope;
        visit("type", &E::type, Note{"What happened", {}, "\"vm.launch\""});
        visit("family", &E::family,
              Note{"The group of the type; an unknown type is handled by it", {}, "\"vm.lifecycle\""});
        visit("contract", &E::contract, Note{"major.minor of the producer", {}, "\"1.0\""});
        visit("run_id", &E::run_id, Note{"ULID of the run", {}, "\"01ARYZ6S410000000000000000\""});
        visit("seq", &E::seq, Note{"1..N within the run, without gaps", Unit::count, "1"});
        visit("time", &E::time, Note{"Wall clock", Unit::utc_time, "\"2026-11-23T13:06:02.000001Z\""});
        visit("elapsed_us", &E::elapsed_us, Note{"Monotonic since the run began", Unit::microseconds, "1200"});
        visit("severity", &E::severity, Note{"What a person owes the event", {}, "\"info\""});
        visit("message", &E::message, Note{"One line for people, never to be parsed", {}, "\"web-0 runs\""});
        visit("operation", &E::operation,
              Note{"Which operation the run is",
                   {},
                   "\"up\"",
                   {"up", "down", "status", "clean", "bootstrap", "plan", "image", "supervise"}});
        visit("project", &E::project, Note{"Name of the project; empty when no file could be read", {}, "\"demo\""});
        visit("source", &E::source, Note{"kernel, plugin:<id> or broker", {}, "\"kernel\""});
        visit("vm", &E::vm, Note{"The VM concerned", {}, "\"web-0\""});
        visit("span", &E::span, Note{"Id of the work that this event belongs to", {}, "\"vm:web-0\""});
        visit("parent_span", &E::parent_span, Note{"Id of the work around it", {}, "\"run\""});
        visit("duration_ms", &E::duration_ms, Note{"How long the concluded work took", Unit::milliseconds, "940"});
        visit("cause_seq", &E::cause_seq, Note{"The earlier event that led to this one", Unit::count, "3"});
        visit("remediation", &E::remediation, Note{"The usual cure", {}, "\"install qemu-system-x86\""});
        visit("error", &E::error, Note{"What failed, for programs", {}, ""});
        visit("progress", &E::progress, Note{"How far work in flight is", {}, ""});
        visit("redacted", &E::redacted, Note{"Fields of which a part was masked", {}, "[\"argv\"]"});
        visit("truncated", &E::truncated, Note{"A value was cut to fit the line", {}, "true"});
        visit("data_ref", &E::data_ref, Note{"File that holds the uncut event", {}, "\"/s/journal/01A.whole.ndjson\""});
        visit("ext", &E::ext, Note{"Fields of a plugin's own", {}, "{}"});
        visit("last", &E::last, Note{"True on the final summary only", {}, "true"});
        visit("synthetic", &E::synthetic, Note{"Written afterwards by another process", {}, "true"});
    }
};

} // namespace castra::contract
