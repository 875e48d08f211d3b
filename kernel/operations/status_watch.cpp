// SPDX-License-Identifier: Apache-2.0
#include "operations/status_watch.hpp"

#include <algorithm>
#include <utility>

namespace castra {

StatusWatch::StatusWatch(Host& host, PlacesWatch places, std::filesystem::path projects_dir)
    : host_(host), places_(std::move(places)), projects_dir_(std::move(projects_dir)),
      bell_(std::make_shared<Bell>(host.executor())) {}

Result<std::unique_ptr<StatusWatch>> StatusWatch::open(Host& host, std::filesystem::path projects_dir) {
    CASTRA_TRY(places, PlacesWatch::open(host.executor()));
    return std::unique_ptr<StatusWatch>(new StatusWatch(host, std::move(places), std::move(projects_dir)));
}

Result<> StatusWatch::follow(const std::vector<ProjectStatus>& projects) {
    std::set<std::filesystem::path> places;
    if (!projects_dir_.empty()) places.insert(projects_dir_);
    for (const auto& project : projects) {
        const std::filesystem::path state = project.state_dir;
        places.insert({state, state / "journal", state / "vms"});
        for (const auto& vm : project.vms) {
            if (vm.state != to_string(VmState::absent)) places.insert(state / "vms" / vm.name);
            if (vm.pid > 0) follow_process({static_cast<int>(vm.pid), vm.start_ticks});
        }
        if (project.supervisor.pid > 0) follow_process(project.supervisor);
    }
    CASTRA_TRY(is_new, places_.watch(places));
    is_stale_ = is_stale_ || is_new; // what happened there before it was watched went unseen
    return {};
}

void StatusWatch::follow_process(ProcessId id) {
    if (!processes_.insert({id.pid, id.start_ticks}).second) return;
    auto process = host_.observe(id);
    if (!process) return bell_->ring(); // it has ended since it was looked at
    asio::co_spawn(host_.executor(), ring_at_end(std::move(*process), bell_), asio::detached);
}

Task<> StatusWatch::ring_at_end(std::shared_ptr<Process> process, std::shared_ptr<Bell> bell) {
    co_await process->wait();
    bell->ring();
}

Task<Result<>> StatusWatch::changed() {
    co_await host_.sleep_for(pause); // what happens meanwhile is kept
    if (std::exchange(is_stale_, false)) co_return Result<>();
    auto first = co_await (places_.changed() || bell_->wait());
    if (first.index() == 0) co_return std::get<0>(std::move(first));
    co_return Result<>();
}

namespace {

bool is_same_forward(const sdk::PortForward& a, const sdk::PortForward& b) {
    return a.address == b.address && a.host == b.host && a.guest == b.guest && a.protocol == b.protocol;
}

bool is_as_before(const VmStatus& before, const VmStatus& now) {
    return before.state == now.state && before.pid == now.pid && before.incarnation == now.incarnation &&
           std::ranges::equal(before.ports, now.ports, is_same_forward) && before.stands_still == now.stands_still;
}

} // namespace

std::vector<ProjectStatus> changes_between(const std::vector<ProjectStatus>& before,
                                           const std::vector<ProjectStatus>& now) {
    std::vector<ProjectStatus> changed;
    for (const auto& project : now) {
        const auto known = std::ranges::find(before, project.state_dir, &ProjectStatus::state_dir);
        auto part = project;
        part.vms.clear();
        for (const auto& vm : project.vms) {
            if (known != before.end()) {
                const auto earlier = std::ranges::find(known->vms, vm.name, &VmStatus::name);
                if (earlier != known->vms.end() && is_as_before(*earlier, vm)) continue;
            }
            part.vms.push_back(vm);
        }
        if (known != before.end())
            for (const auto& vm : known->vms) {
                if (std::ranges::find(project.vms, vm.name, &VmStatus::name) != project.vms.end()) continue;
                VmStatus gone;
                gone.name = vm.name;
                gone.state = to_string(VmState::absent);
                gone.why = "nothing is recorded of it, and castra.toml does not have it";
                part.vms.push_back(std::move(gone));
            }
        const bool differs = known == before.end() || known->supervised != project.supervised ||
                             known->problem != project.problem || !part.vms.empty();
        if (differs) changed.push_back(std::move(part));
    }
    return changed;
}

} // namespace castra
