// SPDX-License-Identifier: Apache-2.0
// ProjectKernel: when there is a broker, and what it says between runs.
#include "contract/text.hpp"
#include "operations/project_kernel.hpp"

#include <algorithm>

namespace castra {

Result<bool> ProjectKernel::plan_broker(PluginSet& plugins, const Project& project, const Request& request) {
    auto launcher = broker_launcher_;
    if (!launcher) {
        CASTRA_TRY(named, plugins.broker_launcher());
        launcher = std::move(named);
    }
    CASTRA_TRY(is_wanted, broker_->plan(project.config, launcher));
    if (request.broker_only && !is_wanted)
        return fail(ErrorCode::config_invalid, "project " + project.config.name + " has no broker to bring up",
                    "set [broker] launcher = \"process\" in " + project.config.path);
    return is_wanted;
}

Task<Result<>> ProjectKernel::start_broker(EventBus& bus) {
    auto started = co_await broker_->start();
    if (started) {
        fleet_->open_doors(); // of VMs that an earlier castra had given theirs
        co_return Result<>();
    }
    const auto& error = started.error();
    const auto text = contract::clean_text(error.text, 2048, true);
    bus.publish(contract::message(contract::Severity::error, text, std::string(to_string(error.code)))
                    .because({std::string(to_string(error.code)), "the broker could not be started", text, true})
                    .cure(contract::clean_text(error.hint, 1024, true)));
    co_return started;
}

Task<> ProjectKernel::stop_broker_if_unneeded() {
    if (!needs_no_broker() || broker_->is_pinned()) co_return;
    co_await broker_->stop();
}

bool ProjectKernel::ends_broker(const Request& request) const {
    if (request.vms.empty()) return true;
    if (broker_->is_pinned()) return false;
    return std::ranges::all_of(fleet_->running(), [&](const auto& vm) {
        return std::ranges::find(request.vms, vm.name) != request.vms.end();
    });
}

// A run of its own, as for a VM that ends between runs (docs/decisions/0036).
void ProjectKernel::tell_broker_news() {
    if (bus_) return broker_->join(*bus_);
    auto project = load_project(workshop_.installation(), config_path_);
    Request request;
    request.operation = Operation::supervise;
    request.config = config_path_;
    Run run(workshop_.host().clock(), request, project ? project->config.name : "", workshop_.installation().version);
    if (const auto opened = run.open(files_of(run)); !opened) workshop_.log()("error", opened.error().text);
    if (project) hide_secrets(run.bus(), project->config);
    begin(run, {}, project ? &*project : nullptr);
    broker_->leave();
    run.finish({}, "news of the broker");
}

} // namespace castra
