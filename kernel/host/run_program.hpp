// SPDX-License-Identifier: Apache-2.0
// Runs a program to its end, with a deadline. What it printed is in `output_path`.
#pragma once
#include "base/units.hpp"
#include "host/host.hpp"

namespace castra {

struct ProgramRun {
    std::vector<std::string> argv; // argv[0] looked up in PATH
    std::string working_dir = "/";
    std::string output_path;      // appended; empty: thrown away
    std::vector<std::string> env; // added to minimal_environment()
    Milliseconds deadline{30000};
    Gate* cancel = nullptr; // open: it is killed; outlives the run
};

// PATH, HOME and LANG=C: what a child of castra gets unless a plan says more.
std::vector<std::string> minimal_environment();

// Errors: not_found, io, timeout and cancelled (the program was killed).
Task<Result<ExitStatus>> run_program(Host& host, ProgramRun run);
// The same, and anything but exit code 0 is an error that quotes the last output.
Task<Result<>> run_checked(Host& host, ProgramRun run);

} // namespace castra
