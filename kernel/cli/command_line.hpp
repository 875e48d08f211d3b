// SPDX-License-Identifier: Apache-2.0
// What a person typed, parsed: one grammar for all commands. Parsing decides nothing but what was meant.
#pragma once
#include "cli/contract_command.hpp"
#include "cli/plugin_request.hpp"
#include "operations/request.hpp"

namespace castra {

enum class Verb {
    up,
    down,
    status,
    clean,
    supervise,
    image_build,
    contract,
    events_verify,
    events,
    event_runs,
    replay,
    plugin,
    help,
    version
};
enum class EventFormat { console, ndjson, none };

// What castra events and castra replay shall read.
struct EventsQuery {
    std::string run, since, severity, format = "human";
    std::vector<std::string> types, vms;
    bool follow = false;
    std::string reporter, reporter_config; // of replay
};

struct CommandLine {
    Verb verb = Verb::help;
    Request request; // of up, down, status, clean
    EventFormat events = EventFormat::console;
    bool json = false;       // the command's answer as one JSON document
    bool foreground = false; // up: be the supervisor here
    bool verbose = false;
    std::string color = "auto";
    std::string text; // help and version: what to print
    // of supervise, which castra starts itself
    std::string state_dir;
    int notify_fd = -1;
    // of clean
    bool all = false; // every project of this user on this machine; also of status
    bool dry_run = false;
    std::vector<std::string> kinds; // --only
    // of image build
    std::string image;
    bool force = false;
    // of events verify
    std::string file;
    ContractRequest contract;
    EventsQuery query;
    PluginRequest plugin;
};

struct UsageError {
    std::string text, hint;
    Operation operation = Operation::status; // what it would have been, as far as it was understood
    EventFormat events = EventFormat::console;
    bool as_text = false; // on stderr: the command shows events of other runs, and no run of its own
};

tl::expected<CommandLine, UsageError> parse_command_line(int argc, const char* const* argv, const std::string& version);

} // namespace castra
