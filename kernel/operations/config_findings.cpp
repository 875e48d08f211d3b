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

// The plugins that a file names: whether they are there, and of the kind that they are named as.
class Names {
public:
    Names(const Installation& installation, const ProjectConfig& project)
        : installation_(installation), project_(project) {}

    void check(const std::string& name, const std::string& kind, Position at, const std::string& key) {
        if (!checked_.insert({name, kind}).second) return;
        const auto file = find_plugin(look_up_plugin(installation_, &project_, name, kind).query);
        if (!file) return add(at, key, file.error());
        const auto manifest = read_manifest(*file);
        if (!manifest) return add(at, key, manifest.error());
        if (!manifest->provides(kind))
            add(at, key, {ErrorCode::plugin, "plugin " + manifest->id + " does not provide " + kind, ""});
    }

    ConfigErrors take() { return std::move(errors_); }

private:
    void add(Position at, const std::string& key, const Error& error) {
        errors_.push_back({project_.path, at.line, at.column, key, error.text, error.hint});
    }

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
        names.check(project.reporters[i].plugin, CASTRA_REPORTER_V1, {project.reporters[i].line, 1},
                    "reporters[" + std::to_string(i) + "]");
    auto errors = names.take();
    std::ranges::move(plugin_option_errors(installation, project), std::back_inserter(errors));
    std::ranges::stable_sort(errors, {}, &ConfigError::line);
    return errors;
}

} // namespace castra
