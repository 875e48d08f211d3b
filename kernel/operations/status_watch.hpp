// SPDX-License-Identifier: Apache-2.0
// `castra status --watch`: woken when something may have changed, never by asking again and again: inotify on journals
// and records, a pidfd for each VM's process and for each supervisor. A wake-up is a hint: take the status anew, then
// follow() what it says. Order: open, take the status, follow, changed, take the status, follow, ... Thread: the
// kernel's. Owner: who watches.
#pragma once
#include "host/bell.hpp"
#include "host/places_watch.hpp"
#include "operations/status.hpp"

#include <memory>

namespace castra {

class StatusWatch {
public:
    // At most one look in so long, however much happens.
    static constexpr Milliseconds pause{50};

    // `projects_dir`: watched too, for projects that appear; empty: not.
    static Result<std::unique_ptr<StatusWatch>> open(Host& host, std::filesystem::path projects_dir);

    Result<> follow(const std::vector<ProjectStatus>& projects);
    // Errors: io; cancelled when the awaiting coroutine was.
    Task<Result<>> changed();

private:
    StatusWatch(Host& host, PlacesWatch places, std::filesystem::path projects_dir);
    void follow_process(ProcessId id);
    static Task<> ring_at_end(std::shared_ptr<Process> process, std::shared_ptr<Bell> bell);

    Host& host_;
    PlacesWatch places_;
    std::filesystem::path projects_dir_;
    std::shared_ptr<Bell> bell_; // rung when a process has ended
    std::set<std::pair<int, std::uint64_t>> processes_;
    bool is_stale_ = false; // a place is watched that was not when the status was taken
};

// VMs of `now` that are not as they were in `before`, by project; times that merely pass do not count. What is gone
// altogether is told as absent.
std::vector<ProjectStatus> changes_between(const std::vector<ProjectStatus>& before,
                                           const std::vector<ProjectStatus>& now);

} // namespace castra
