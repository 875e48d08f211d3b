// SPDX-License-Identifier: Apache-2.0
// Runs a program to its end with its output in pipes: what it says is passed on while it says it. Never waits for more
// than its own three ends. Whoever is cancelled or too late gets SIGTERM, and SIGKILL after grace.
// Errors: not_found, io, timeout, cancelled; the program has ended then.
#pragma once
#include "base/units.hpp"
#include "host/host.hpp"

#include <functional>

namespace castra {

struct PipedRun {
    static constexpr Milliseconds grace{2000};

    std::vector<std::string> argv;                             // argv[0] looked up in PATH
    std::vector<std::string> env;                              // added to minimal_environment()
    UniqueFd input;                                            // its stdin; none: /dev/null
    UniqueFd output;                                           // its stdout, instead of on_output
    std::function<void(std::string_view)> on_output, on_error; // may be empty: thrown away
    Milliseconds deadline{0};                                  // 0: as long as it takes
    std::shared_ptr<Gate> cancel;                              // may be null
};

Task<Result<ExitStatus>> run_piped(Host& host, PipedRun run);

// {read end, write end}, closed on exec. Errors: io.
Result<std::pair<UniqueFd, UniqueFd>> make_pipe();

} // namespace castra
