// SPDX-License-Identifier: Apache-2.0
#include "operations/status.hpp"
#include "operations/supervisor_client.hpp"

#include "base/in_threads.hpp"
#include "host/in_parallel.hpp"
#include "host/peer_process.hpp"
#include "lifecycle/guest_state.hpp"
#include "operations/status_evidence.hpp"
#include "state/project_register.hpp"

#include <algorithm>
#include <span>
#include <unistd.h>

namespace castra {
namespace {

Task<> ask_supervisor(Host& host, const Layout& layout, ProjectStatus& status) {
    auto stream = co_await host.connect_unix(layout.supervisor_socket()); // root may look at anybody's
    if (!stream) stream = co_await reach_supervisor(host, layout, ::geteuid());
    if (!stream) co_return;
    status.supervised = true;
    if (const auto process = peer_process(*stream)) status.supervisor = *process;
}

bool wants(const StatusWish& wish, const std::string& vm) {
    return wish.vms.empty() || std::ranges::find(wish.vms, vm) != wish.vms.end();
}

// Those with a record, in the order of `names`.
std::vector<VmStatus> look_at(Host& host, const Layout& layout, const StatusWish& wish, std::vector<std::string> names,
                              bool supervised) {
    constexpr std::size_t enough = 32; // VMs for a thread of their own: it costs as much as they
    std::erase_if(names, [&](const auto& name) { return !wants(wish, name); });
    const auto boot_id = host.boot_id();
    std::vector<VmStatus> vms(names.size());
    in_threads(names.size(), enough, [&](std::size_t i) {
        if (auto seen = vm_status(host, layout, names[i], boot_id, supervised)) vms[i] = std::move(*seen);
    });
    std::erase_if(vms, [](const VmStatus& vm) { return vm.name.empty(); });
    find_users(layout, vms);
    return vms;
}

// `vms` are those with a record, sorted by name.
void add_absent(const ProjectConfig& config, const StatusWish& wish, std::vector<VmStatus>& vms) {
    const std::size_t recorded = vms.size();
    for (const auto& vm : config.vms) {
        const auto known = std::span(vms).first(recorded);
        if (!wants(wish, vm.name) || std::ranges::binary_search(known, vm.name, {}, &VmStatus::name)) continue;
        VmStatus absent;
        absent.name = vm.name;
        absent.state = to_string(VmState::absent);
        absent.why = "nothing is recorded of it";
        vms.push_back(std::move(absent));
    }
}

constexpr Milliseconds guest_wait{500};

// Who does not answer tells nothing: its process lives, and status --why says what its control socket says.
Task<> ask_guest(Host& host, const Layout& layout, VmStatus& vm) {
    const auto record = load_record(layout, vm.name);
    if (!record || record->incarnation != vm.incarnation) co_return;
    sdk::LaunchPlan plan;
    try {
        plan = record->plan.get<sdk::LaunchPlan>();
    } catch (const std::exception&) {
        co_return;
    }
    const auto state = co_await guest_state(host, plan, guest_wait);
    if (!state && host.is_stopped(record->process())) {
        vm.stands_still = "its process is stopped";
        vm.stands_hint = "kill -CONT " + std::to_string(record->pid) + " lets it go on";
    }
    if (!state || !*state || (*state)->runs) co_return;
    vm.stands_still = (*state)->word;
    vm.stands_hint = (*state)->hint;
}

Task<> ask_guests(Host& host, const Layout& layout, std::vector<VmStatus>& vms) {
    std::vector<Task<>> tasks;
    for (auto& vm : vms)
        if (vm.asks_state && vm.pid > 0) tasks.push_back(ask_guest(host, layout, vm));
    co_await in_parallel(host.executor(), std::move(tasks));
}

} // namespace

Task<ProjectStatus> project_status(Host& host, Layout layout, const ProjectConfig* config, std::string config_path,
                                   StatusWish wish) {
    ProjectStatus status;
    status.project = config ? config->name : "";
    status.config_path = std::move(config_path);
    status.state_dir = layout.state_dir();
    co_await ask_supervisor(host, layout, status);
    auto names = vm_directories(layout);
    if (!names)
        status.unlisted = names.error();
    else
        status.vms = look_at(host, layout, wish, std::move(*names), status.supervised);
    if (config) add_absent(*config, wish, status.vms);
    std::ranges::sort(status.vms, {}, &VmStatus::name);
    if (wish.ask_guests) co_await ask_guests(host, layout, status.vms);
    status.broker = co_await broker_status(host, layout, config, status.vms);
    if (wish.why) co_await gather_evidence(host, layout, status.supervised, status.vms);
    co_return status;
}

Task<std::vector<ProjectStatus>> machine_status(Host& host, Installation installation, StatusWish wish) {
    std::vector<ProjectStatus> all;
    const auto registered = registered_projects(installation.environment);
    if (!registered) { // nobody can say which projects there are
        ProjectStatus unlisted;
        unlisted.state_dir = projects_dir(installation.environment);
        unlisted.unlisted = registered.error();
        unlisted.problem = registered.error().text;
        all.push_back(std::move(unlisted));
        co_return all;
    }
    for (const auto& known : *registered) {
        std::optional<Project> project;
        auto problem = known.problem;
        if (!known.config_path.empty()) {
            if (auto loaded = load_project(installation, known.config_path))
                project = std::move(*loaded);
            else if (problem.empty())
                problem = loaded.error().front().text;
        }
        const auto layout = known.layout(installation.environment);
        auto status =
            co_await project_status(host, layout, project ? &project->config : nullptr, known.config_path, wish);
        status.problem = status.unlisted ? status.unlisted->text : std::move(problem);
        all.push_back(std::move(status));
    }
    std::ranges::stable_sort(all, {}, &ProjectStatus::config_path);
    co_return all;
}

std::string count_of(const std::vector<ProjectStatus>& projects) {
    std::size_t up = 0, all = 0;
    for (const auto& project : projects) {
        all += project.vms.size();
        up += static_cast<std::size_t>(std::ranges::count_if(project.vms, [](const auto& vm) { return vm.pid > 0; }));
    }
    return std::to_string(up) + " of " + std::to_string(all) + (all == 1 ? " VM is up" : " VMs are up");
}

} // namespace castra
