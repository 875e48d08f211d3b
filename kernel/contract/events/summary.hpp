// SPDX-License-Identifier: Apache-2.0
// The family summary: how the run ended.
#pragma once
#include "contract/events/about.hpp"

namespace castra::contract {

// Not named like the severities: `error` and `progress` are objects elsewhere, and a name has one type everywhere.
struct Counts {
    std::int64_t progress_events = 0, info_events = 0, warn_events = 0, error_events = 0, blocker_events = 0;
    std::int64_t& of(Severity severity) {
        const std::array all{&progress_events, &info_events, &warn_events, &error_events, &blocker_events};
        return *all[static_cast<std::size_t>(severity)];
    }
    static void describe(auto&& visit) {
        visit("progress_events", &Counts::progress_events,
              Note{"Of this severity, this one included", Unit::count, "0"});
        visit("info_events", &Counts::info_events, Note{"Of this severity, this one included", Unit::count, "9"});
        visit("warn_events", &Counts::warn_events, Note{"Of this severity, this one included", Unit::count, "0"});
        visit("error_events", &Counts::error_events, Note{"Of this severity, this one included", Unit::count, "0"});
        visit("blocker_events", &Counts::blocker_events, Note{"Of this severity, this one included", Unit::count, "0"});
    }
};

struct VmResult {
    std::string vm, final_state;
    VmOutcome outcome = VmOutcome::succeeded;
    std::optional<std::string> reason = {};
    static void describe(auto&& visit) {
        using E = VmResult;
        visit("vm", &E::vm, Note{"The VM", {}, "\"web-0\""});
        visit("final_state", &E::final_state,
              Note{"Where it stands now",
                   {},
                   "\"ready\"",
                   {"absent", "preparing", "booting", "ready", "running", "stopping", "stopped", "failed", "unknown"}});
        visit("outcome", &E::outcome, Note{"What this run did to it", {}, "\"succeeded\""});
        visit("reason", &E::reason, Note{"Why it was not concluded otherwise", {}, "\"the run ended early\""});
    }
};

struct SinkResult {
    std::string name;
    std::int64_t delivered = 0, coalesced = 0;
    bool detached = false;
    static void describe(auto&& visit) {
        using E = SinkResult;
        visit("name", &E::name, Note{"A reporter", {}, "\"reporter-console\""});
        visit("delivered", &E::delivered, Note{"Events it has taken before this one", Unit::count, "11"});
        visit("coalesced", &E::coalesced, Note{"Progress events replaced by later ones", Unit::count, "0"});
        visit("detached", &E::detached, Note{"True when it was given up", {}, "false"});
    }
};

struct Summary {
    static constexpr About about{"summary",
                                 Family::summary,
                                 Severity::info,
                                 {"duration_ms"},
                                 "How the run ended. Always the last event, on every path."};
    Outcome outcome = Outcome::succeeded;
    std::int64_t exit_code = 0;
    std::int64_t events_emitted = 0;
    Counts counts;
    std::vector<VmResult> vms;
    std::optional<std::int64_t> reclaimed_bytes, first_error_seq;
    std::int64_t coalesced = 0;
    std::vector<SinkResult> sinks;
    std::vector<std::string> leftovers;
    static void describe(auto&& visit) {
        using E = Summary;
        visit("outcome", &E::outcome, Note{"How", {}, "\"succeeded\""});
        visit("exit_code", &E::exit_code, Note{"What the process exits with", {}, "0"});
        visit("events_emitted", &E::events_emitted, Note{"Equals seq", Unit::count, "12"});
        visit("counts", &E::counts, Note{"Events per severity; they add up to seq", {}, ""});
        visit("vms", &E::vms, Note{"One entry for each VM concerned", {}, ""});
        visit("reclaimed_bytes", &E::reclaimed_bytes, Note{"Disk given back", Unit::bytes, "262144"});
        visit("first_error_seq", &E::first_error_seq,
              Note{"First event of severity error or blocker", Unit::count, "7"});
        visit("coalesced", &E::coalesced, Note{"Over all sinks", Unit::count, "0"});
        visit("sinks", &E::sinks, Note{"One entry for each reporter", {}, ""});
        visit("leftovers", &E::leftovers, Note{"What could not be removed", {}, "[]"});
    }
};

} // namespace castra::contract
