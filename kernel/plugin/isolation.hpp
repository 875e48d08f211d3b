// SPDX-License-Identifier: Apache-2.0
// Where a plugin's code runs, and the limits of those that run in a process of their own.
#pragma once
#include <chrono>
#include <filesystem>
#include <string_view>

namespace castra {

enum class Isolation { in_process, process };

constexpr std::string_view to_string(Isolation how) {
    return how == Isolation::process ? "process" : "in-process";
}

// How long an isolated plugin may take. After a wait it is asked to give up, `grace` later SIGTERM, then SIGKILL.
struct IsolationLimits {
    std::chrono::milliseconds load_wait{10000};   // constructors, init
    std::chrono::milliseconds call_wait{10000};   // create, and calls that come without a deadline
    std::chrono::milliseconds report_wait{3000};  // the same for reporters: a run does not wait for its readers
    std::chrono::milliseconds destroy_wait{1000}; // teardown
    std::chrono::milliseconds grace{500};
    int host_calls_per_second_max = 2000; // log lines above it are dropped, emits refused
};

// What an installation decides about plugins.
struct PluginPolicy {
    std::filesystem::path host_program;    // castra-plugin-host; empty: everything runs in-process
    std::filesystem::path first_party_dir; // plugins of this directory run in-process unless the file says otherwise
    std::filesystem::path quarantine_dir;  // empty: nobody is put there
    bool isolates_all = false;             // whatever the file says: this process is somebody else's program
    IsolationLimits limits;
};

} // namespace castra
