// SPDX-License-Identifier: Apache-2.0
// Where a command's events go in this process: to one reporter plugin, chosen by --events. For runs of our own it is a
// sink of the bus; for a supervisor's runs the lines that arrive are passed on.
#pragma once
#include "cli/command_line.hpp"
#include "operations/workshop.hpp"

namespace castra {

class Output {
public:
    // `line`: how it shall look; copied.
    Output(Workshop& workshop, EventFormat events, const CommandLine& line);

    // A reporter that has been opened; null with --events none. Errors: plugin (a broken installation).
    Result<std::unique_ptr<Sink>> make_sink(const std::string& run_id, const std::string& operation);
    // Any reporter, by name or path; `project` may be null. Where it writes is its config's to say; console and ndjson
    // write to stdout when neither `config` nor the file says anything. Errors: plugin, not_found, config_invalid.
    Result<std::unique_ptr<Sink>> make_reporter(const std::string& name, const nlohmann::json& config,
                                                const ProjectConfig* project, const std::string& run_id,
                                                const std::string& operation, const std::string& project_name);

private:
    nlohmann::json open_request(const std::string& run_id, const std::string& operation,
                                const std::string& project) const;

    Workshop& workshop_;
    EventFormat events_;
    bool verbose_, quiet_;
    std::string color_;
};

} // namespace castra
