// SPDX-License-Identifier: Apache-2.0
// What a person typed, parsed: one grammar for all commands. Parsing decides nothing but what was meant; what a command
// then does stands in the command's own file and is here as `act`.
#pragma once
#include "host/async.hpp"
#include "operations/request.hpp"

#include <functional>

namespace castra {

class App;
enum class EventFormat { console, ndjson, none };

// What several commands share; what only one takes is bound to its `act`.
struct CommandLine {
    // The command, with all that it was told. Returns the process's exit code. Not a coroutine itself: it makes one.
    std::function<Task<int>(App&, const CommandLine&)> act;
    Request request; // of up, down, status, clean: config, VMs, strict
    EventFormat events = EventFormat::console;
    bool json = false; // the command's answer as one JSON document
    bool verbose = false;
    bool quiet = false; // only what needs attention
    std::string color = "auto";
    bool logs_much = false; // the diagnostic log is kept for later: supervise
};

struct UsageError {
    std::string text, hint;
    Operation operation = Operation::status; // what it would have been, as far as it was understood
    EventFormat events = EventFormat::console;
    bool as_text = false; // on stderr: the command makes no run of its own
};

tl::expected<CommandLine, UsageError> parse_command_line(int argc, const char* const* argv, const std::string& version);

} // namespace castra
