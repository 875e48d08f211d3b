// SPDX-License-Identifier: Apache-2.0
// The family command: whether castra takes a command on.
#pragma once
#include "contract/events/about.hpp"

namespace castra::contract {

struct Expectation {
    std::string kind, name;
    static void describe(auto&& visit) {
        visit("kind", &Expectation::kind, Note{"What will be concluded", {}, "\"vm\"", {"vm", "broker"}});
        visit("name", &Expectation::name, Note{"Which one", {}, "\"web-0\""});
    }
};

struct RunningVm {
    std::string name, incarnation;
    static void describe(auto&& visit) {
        visit("name", &RunningVm::name, Note{"A VM that runs", {}, "\"web-0\""});
        visit("incarnation", &RunningVm::incarnation, Note{"Its boot", {}, "\"01ARYZ6S410000000000000000\""});
    }
};

struct Limits {
    std::int64_t line_bytes_max = static_cast<std::int64_t>(contract::line_bytes_max);
    std::int64_t queue_events_max = 0;
    std::int64_t boot_window = 0;
    static void describe(auto&& visit) {
        visit("line_bytes_max", &Limits::line_bytes_max, Note{"Longest line of the stream", Unit::bytes, "65536"});
        visit("queue_events_max", &Limits::queue_events_max, Note{"Queue of each reporter", Unit::count, "1024"});
        visit("boot_window", &Limits::boot_window, Note{"VMs that boot at a time; 0: no VM boots", Unit::count, "2"});
    }
};

struct CommandAccepted {
    static constexpr About about{"command.accepted",
                                 Family::command,
                                 Severity::info,
                                 {},
                                 "The command is taken on. Always the first event, unless command.rejected is."};
    std::string tool_version;
    std::vector<std::string> argv;
    std::string config_path, config_digest;
    Limits limits;
    std::vector<Expectation> expects;
    std::vector<RunningVm> running;
    std::optional<bool> broker_running;
    static void describe(auto&& visit) {
        using E = CommandAccepted;
        visit("tool_version", &E::tool_version, Note{"castra's version and commit", {}, "\"0.1.0+abc1234\""});
        visit("argv", &E::argv, Note{"The command line", {}, "[\"castra\",\"up\"]", {}, "1.0", true});
        visit("config_path", &E::config_path,
              Note{"The TOML file; empty when none is involved", {}, "\"/p/castra.toml\""});
        visit("config_digest", &E::config_digest,
              Note{"sha256:hex of that file; empty when none", {}, "\"sha256:00\""});
        visit("limits", &E::limits, Note{"What this run is bounded by", {}, ""});
        visit("expects", &E::expects, Note{"What this run promises to conclude", {}, ""});
        visit("running", &E::running, Note{"VMs that already run when this run begins", {}, ""});
        visit("broker_running", &E::broker_running, Note{"True when the broker already runs", {}, "true"});
    }
};

struct CommandRejected {
    static constexpr About about{"command.rejected",
                                 Family::command,
                                 Severity::error,
                                 {"error"},
                                 "The command is refused; nothing was touched. Only summary follows."};
    std::string detail, code;
    static void describe(auto&& visit) {
        using E = CommandRejected;
        visit("detail", &E::detail,
              Note{"Everything that is wrong, one finding a line", {}, "\"castra.toml:3:1: ...\""});
        visit("code", &E::code,
              Note{"Why, for programs",
                   {},
                   "\"usage\"",
                   {"usage", "config_not_found", "config_invalid", "preflight", "busy", "not_found", "plugin", "io",
                    "protocol"}});
    }
};

} // namespace castra::contract
