// SPDX-License-Identifier: Apache-2.0
// Where castra keeps things. Computes paths, makes nothing.
//   state    $XDG_STATE_HOME/castra/projects/<slug>-<hash>/   journal/ quarantine/ vms/<vm>/
//   runtime  $XDG_RUNTIME_DIR/castra/<hash>/                  sockets; short, a unix socket path has 107 bytes
//   machine  $XDG_STATE_HOME/castra/journal/                  of runs that concern no project
//   cache    $XDG_CACHE_HOME/castra/                          images/ probes/
// CASTRA_HOME overrides state and runtime. <hash> is of the canonical path of castra.toml.
#pragma once
#include <filesystem>
#include <string>

namespace castra {

// The parts of the environment that decide paths; read once, in main.
struct Environment {
    std::string castra_home, home, xdg_state_home, xdg_runtime_dir, xdg_cache_home;
    unsigned user = 0;
};
// Absolute ones, whatever was set: castra and the supervisor that it starts, which works in /, must mean the same
// directories. A relative XDG_* counts as not set, as the XDG specification says; a relative CASTRA_HOME or HOME is
// one of the working directory.
Environment with_absolute_directories(Environment environment);

class Layout {
public:
    // `config_path` is canonical. `state_dir`: [project] state_dir; empty: ours.
    Layout(const Environment& environment, const std::filesystem::path& config_path, const std::string& state_dir);
    // Of a project that is known by its id and place only.
    static Layout of_known(const Environment& environment, std::string id, std::filesystem::path state_dir);

    using Path = std::filesystem::path;
    const Path& state_dir() const { return state_; }
    const Path& runtime_dir() const { return runtime_; }
    const std::string& project_id() const { return id_; }

    Path journal_dir() const { return state_ / "journal"; }
    Path journal(const std::string& run_id) const { return journal_dir() / (run_id + ".ndjson"); }
    Path quarantine(const std::string& run_id) const { return state_ / "quarantine" / (run_id + ".ndjson"); }
    Path torn(const std::string& run_id) const { return state_ / "quarantine" / (run_id + ".torn"); }
    Path vms_dir() const { return state_ / "vms"; }
    // Put together as text: status asks for a thousand.
    Path vm_dir(const std::string& vm) const { return vms_ + vm; }
    Path vm_record(const std::string& vm) const { return vms_ + vm + "/record.json"; }
    Path bootstrap_log_dir(const std::string& vm) const { return state_ / "bootstrap" / vm; }
    Path vm_runtime_dir(const std::string& vm) const; // short: a hash, not the name
    Path supervisor_lock() const { return state_ / "supervisor.lock"; }
    Path supervisor_log() const { return state_ / "supervisor.log"; }
    Path start_lock() const { return state_ / "start.lock"; }
    Path operation_lock() const { return state_ / "operation.lock"; } // held by whatever changes the project
    Path broker_dir() const { return state_ / "broker"; }
    Path broker_socket() const { return runtime_ / "b"; } // of the host
    Path supervisor_socket() const { return runtime_ / "s"; }

private:
    Layout(std::string id, Path state, Path runtime);
    Path state_, runtime_;
    std::string id_, vms_; // vms_: ends in /
};

std::filesystem::path projects_dir(const Environment& environment);
// Of runs that belong to no project, such as clean --all.
std::filesystem::path machine_journal_dir(const Environment& environment);
std::filesystem::path cache_dir(const Environment& environment);

} // namespace castra
