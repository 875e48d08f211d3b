// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <algorithm>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace castra {

Output::Output(Workshop& workshop, EventFormat events, const CommandLine& line)
    : workshop_(workshop), events_(events), verbose_(line.verbose), quiet_(line.quiet), color_(line.color) {}

nlohmann::json Output::open_request(const std::string& run_id, const std::string& operation,
                                    const std::string& project) const {
    const bool is_tty = isatty(STDOUT_FILENO) == 1;
    winsize size{};
    if (is_tty) ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    const char* no_color = std::getenv("NO_COLOR");
    const bool color = color_ == "always" || (color_ == "auto" && is_tty && !(no_color && *no_color));
    return {{"run_id", run_id},
            {"operation", operation},
            {"project", project},
            {"terminal", {{"is_tty", is_tty}, {"width", is_tty ? size.ws_col : 0}, {"color", color}}}};
}

Result<std::unique_ptr<Sink>> Output::make_sink(const std::string& run_id, const std::string& operation) {
    if (events_ == EventFormat::none) return std::unique_ptr<Sink>();
    PluginSet plugins(workshop_.installation(), workshop_.registry(), nullptr);
    PluginSet::ReporterWish wish;
    wish.open = open_request(run_id, operation, "");
    if (events_ == EventFormat::ndjson) {
        wish.name = "ndjson";
        wish.config = {{"fd", STDOUT_FILENO}};
    } else {
        wish.name = "console";
        wish.config = {{"stream", "stdout"}, {"verbose", verbose_}, {"quiet", quiet_}};
    }
    return plugins.reporter(wish);
}

Result<std::unique_ptr<Sink>> Output::make_reporter(const std::string& name, const nlohmann::json& config,
                                                    const ProjectConfig* project, const std::string& run_id,
                                                    const std::string& operation, const std::string& project_name) {
    PluginSet plugins(workshop_.installation(), workshop_.registry(), project);
    PluginSet::ReporterWish wish;
    wish.name = name;
    wish.open = open_request(run_id, operation, project_name);
    bool is_configured = !config.empty();
    if (project) {
        workshop_.secrets().offer(project->secrets);
        for (const auto& plugin : project->plugins)
            is_configured = is_configured || (plugin.name == name && !plugin.config.empty());
        const auto listed = std::ranges::find(project->reporters, name, &ReporterConfig::plugin);
        if (listed != project->reporters.end()) {
            wish.config = listed->config;
            is_configured = true;
        }
    }
    if (!is_configured && (name == "ndjson" || name == "reporter-ndjson")) wish.config = {{"fd", STDOUT_FILENO}};
    if (!is_configured && (name == "console" || name == "reporter-console"))
        wish.config = {{"stream", "stdout"}, {"verbose", verbose_}, {"quiet", quiet_}};
    wish.config.update(config, true);
    return plugins.reporter(wish);
}

} // namespace castra
