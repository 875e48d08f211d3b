// SPDX-License-Identifier: Apache-2.0
// Where a command's events go in this process: to one reporter plugin, chosen by --events. For runs of our own it is a
// sink of the bus; for a supervisor's runs the lines that arrive are passed on.
#pragma once
#include "cli/command_line.hpp"
#include "operations/workshop.hpp"

namespace castra {

class Output {
public:
    Output(Workshop& workshop, EventFormat events, bool verbose, std::string color);

    // A reporter that has been opened; null with --events none. Errors: plugin (a broken installation).
    Result<std::unique_ptr<Sink>> make_sink(const std::string& run_id, const std::string& operation);

private:
    Workshop& workshop_;
    EventFormat events_;
    bool verbose_;
    std::string color_;
};

} // namespace castra
