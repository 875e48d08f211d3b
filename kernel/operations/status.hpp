// SPDX-License-Identifier: Apache-2.0
// What is true about a project, or about every project of this user on this machine, right now: from its records and
// from asking the machine; works with and without a supervisor, and writes nothing. What is wrong with one project is
// its `problem` and harms no other.
#pragma once
#include "operations/broker_status.hpp"
#include "operations/project.hpp"
#include "operations/vm_status.hpp"

namespace castra {

struct ProjectStatus {
    std::string project, config_path, state_dir;
    std::string config_digest;     // sha256:hex of castra.toml; empty: unknown
    std::string problem;           // castra.toml is broken or gone, its entry in the register is damaged; empty: none
    std::optional<Error> unlisted; // why nobody can say which VMs there are; then `vms` says nothing
    bool supervised = false;       // a supervisor answers
    ProcessId supervisor;          // pid 0: none
    BrokerStatus broker;
    std::vector<VmStatus> vms;
};

struct StatusWish {
    std::vector<std::string> vms; // empty: all
    bool why = false;             // gather the evidence too
    bool ask_guests = false;      // ask each VM that lives whether its guest runs, where its launcher knows how
};

// `config` null: the file is not readable as one; what is recorded is told nevertheless. Parameters are copied: a
// coroutine.
Task<ProjectStatus> project_status(Host& host, Layout layout, const ProjectConfig* config, std::string config_path,
                                   StatusWish wish = {});
// Sorted by the path of castra.toml. Where the register cannot be read, one without a `config_path` that says why.
Task<std::vector<ProjectStatus>> machine_status(Host& host, Installation installation, StatusWish wish = {});

std::string count_of(const std::vector<ProjectStatus>& projects); // "2 of 3 VMs are up"

} // namespace castra
