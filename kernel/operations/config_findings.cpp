// SPDX-License-Identifier: Apache-2.0
#include "operations/config_findings.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "operations/plugin_options.hpp"
#include "plugin/manifest.hpp"

#include <algorithm>
#include <set>

namespace castra {
namespace {

// Whether a plugin is there, and of the kind that it is named as.
std::optional<Error> problem_of(const Installation& installation, const ProjectConfig& project, const std::string& name,
                                const std::string& kind) {
    const auto file = find_plugin(look_up_plugin(installation, &project, name, kind).query);
    if (!file) return file.error();
    const auto manifest = read_manifest(*file);
    if (!manifest) return manifest.error();
    if (manifest->provides(kind)) return {};
    return Error{ErrorCode::plugin, "plugin " + manifest->id + " does not provide " + kind, ""};
}

ConfigError placed(const ProjectConfig& project, Position at, const std::string& key, const Error& error) {
    return {project.path, at.line, at.column, key, error.text, error.hint};
}

std::string reporter_key(std::size_t index) {
    return "reporters[" + std::to_string(index) + "]";
}

// The plugins that a file names.
class Names {
public:
    Names(const Installation& installation, const ProjectConfig& project)
        : installation_(installation), project_(project) {}

    void check(const std::string& name, const std::string& kind, Position at, const std::string& key) {
        if (!checked_.insert({name, kind}).second) return;
        if (const auto problem = problem_of(installation_, project_, name, kind))
            errors_.push_back(placed(project_, at, key, *problem));
    }

    ConfigErrors take() { return std::move(errors_); }

private:
    const Installation& installation_;
    const ProjectConfig& project_;
    std::set<std::pair<std::string, std::string>> checked_; // name and kind, each told once
    ConfigErrors errors_;
};

} // namespace

ConfigErrors plugin_findings(const Installation& installation, const ProjectConfig& project) {
    Names names(installation, project);
    for (const auto& vm : project.vms) {
        names.check(vm.launcher, CASTRA_LAUNCHER_V1, {vm.line, vm.column}, "vms." + vm.name + ".launcher");
        for (const auto& step : vm.bootstrap.steps)
            names.check(step.plugin.empty() ? "step-" + step.name : step.plugin, CASTRA_BOOTSTRAP_STEP_V1,
                        {vm.line, vm.column}, "vms." + vm.name + ".bootstrap.steps." + step.name);
    }
    for (std::size_t i = 0; i < project.reporters.size(); ++i)
        names.check(project.reporters[i].plugin, CASTRA_REPORTER_V1, {project.reporters[i].line, 1}, reporter_key(i));
    auto errors = names.take();
    std::ranges::move(plugin_option_errors(installation, project), std::back_inserter(errors));
    std::ranges::stable_sort(errors, {}, &ConfigError::line);
    return errors;
}

std::vector<Error> plugin_refusals(const Installation& installation, const ProjectConfig& project) {
    auto errors = check_plugin_options(installation, project);
    for (std::size_t i = 0; i < project.reporters.size(); ++i) {
        const auto& reporter = project.reporters[i];
        auto problem = problem_of(installation, project, reporter.plugin, CASTRA_REPORTER_V1);
        if (!problem) continue;
        const bool is_missing = problem->code == ErrorCode::not_found || problem->code == ErrorCode::io;
        auto at = placed(project, {reporter.line, 1}, reporter_key(i), *problem);
        at.hint.clear();
        errors.push_back({is_missing ? ErrorCode::preflight : problem->code, to_string(at), problem->hint});
    }
    return errors;
}

} // namespace castra
