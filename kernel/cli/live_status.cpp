// SPDX-License-Identifier: Apache-2.0
#include "cli/live_status.hpp"

#include "config/names.hpp"
#include "operations/project.hpp"

#include <algorithm>

namespace castra {

Task<Result<ProjectStatus>> live_status(App& app, const CommandLine& line) {
    auto project = load_project(app.installation(), line.request.config);
    auto located = project ? Result<Located>(Located{project->layout, project->config.path})
                           : locate_project(app.installation(), line.request.config);
    if (!located) co_return Failure(project.error().front());
    auto status = co_await project_status(app.host(), located->layout, project ? &project->config : nullptr,
                                          located->config_path);
    if (status.unlisted) co_return Failure(*status.unlisted);
    co_return status;
}

Result<std::vector<VmStatus>> wanted_vms(const ProjectStatus& status, const std::vector<std::string>& named) {
    if (named.empty()) return status.vms;
    std::vector<std::string> names;
    for (const auto& vm : status.vms)
        names.push_back(vm.name);
    std::vector<VmStatus> out;
    for (const auto& name : named) {
        const auto found = std::ranges::find(status.vms, name, &VmStatus::name);
        if (found == status.vms.end()) {
            const auto near = did_you_mean(name, names);
            return fail(ErrorCode::usage, "there is no VM \"" + name + "\"",
                        near ? "did you mean \"" + *near + "\"?" : "castra status lists them");
        }
        out.push_back(*found);
    }
    return out;
}

} // namespace castra
