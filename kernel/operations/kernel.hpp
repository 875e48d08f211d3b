// SPDX-License-Identifier: Apache-2.0
// castra inside another program: the operations as functions that take options and a Reporter, tell it each event as it
// happens, and return what came of it. One Kernel is one project; a program may have many, in any threads.
// Shape:  Kernel kernel({.prefix = "/usr", .config = "/p/castra.toml"}); auto outcome = kernel.up({}, reporter);
// Order:  any; one operation at a time, a second one is rejected as busy. VMs live on after an operation and after the
//         Kernel: while it lives it owns them (their ends, restarts and logs), afterwards whoever runs castra next
//         does.
// Limits: an operation ends by itself, when its stop token says so, or after `wait_max`; then within `farewell_wait`.
// Thread: operations block the caller's. A Kernel has a thread of its own, which takes no signals.
// Owner:  no globals. Plugins run in processes of their own, never in this one: a crash of theirs is an event here.
// Errors: none are thrown; a project that cannot be read, or a command that is refused, is an outcome.
#pragma once
#include "contract/enums.hpp"
#include "operations/broker_launcher.hpp"
#include "operations/reporter.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>

namespace castra {

struct KernelOptions {
    std::filesystem::path prefix; // where castra is installed: bin/, lib/castra/plugins/, share/castra/
    std::filesystem::path config; // castra.toml
    // As $CASTRA_HOME and so on; empty: as this process's environment says.
    std::string castra_home, xdg_state_home, xdg_runtime_dir, xdg_cache_home;
    std::function<void(std::string_view level, std::string_view text)>
        log; // what debugs castra; may be empty. Any thread
};

struct OperationOptions {
    std::vector<std::string> vms; // empty: all
    std::stop_token cancel;       // asked to stop: the operation ends in order, and says so
    std::chrono::milliseconds wait_max = std::chrono::minutes(30);     // then it is cancelled
    std::chrono::milliseconds farewell_wait = std::chrono::minutes(2); // for what is cancelled to end in order
};
// By VM: auto, always, skip; "": of all that are not named. Instead of castra.toml's.
using BootstrapModeMap = std::map<std::string, std::string>;
struct UpOptions : OperationOptions {
    bool plan = false;        // only tell what would be done: nothing is touched, no guest is asked
    bool keep_going = false;  // what works stays when something fails
    bool replace = false;     // what runs and is wanted otherwise now is replaced
    bool force = false;       // too little of the machine's resources is a warning, not a refusal
    bool broker_only = false; // the broker and no VM; down ends it
    bool strict = false;      // an event that breaks the contract fails the run
    bool grease = false;      // the stream has fields and types that no reader knows
    BootstrapModeMap bootstrap;
};
struct DownOptions : OperationOptions {
    std::optional<std::chrono::milliseconds> timeout; // SIGKILL comes no later; absent: as castra.toml says
};
struct BootstrapOptions : OperationOptions {
    bool plan = false; // as of UpOptions
    BootstrapModeMap modes;
};
struct CleanOptions : OperationOptions {
    std::vector<std::string> kinds; // of cleanup_kinds (operations/clean.hpp); empty: the default
    bool dry_run = false;           // only say what would go
};

struct VmVerdict {
    std::string vm, final_state; // as in the event `summary`
    contract::VmOutcome outcome = contract::VmOutcome::unchanged;
};

struct OperationOutcome {
    contract::Outcome outcome = contract::Outcome::aborted;
    int exit_code = 0;   // what the command of this name would end with
    std::string run_id;  // of its journal
    std::string message; // of the summary
    std::vector<VmVerdict> vms;
    std::vector<Diagnostic> diagnostics; // every event of severity warn and above, at most 1000
    // False: it went on beyond every wait, and still does. Its reporter is not called any more. The Kernel is of no
    // use.
    bool is_over = true;

    bool succeeded() const { return outcome == contract::Outcome::succeeded; }
};

class Kernel {
public:
    explicit Kernel(KernelOptions options);
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;
    ~Kernel();

    // With the broker that castra.toml names, if any; or with the one that `launcher` plans, by the limits of
    // castra.toml: ProcessBrokerLauncher, NoBrokerLauncher (process_broker_launcher.hpp) or the embedder's own. It is
    // asked once, in the Kernel's thread, and not kept. The broker ends with the last VM, by down(), or with the
    // Kernel.
    OperationOutcome up(const UpOptions& options, Reporter& reporter);
    OperationOutcome up(const UpOptions& options, BrokerLauncher& launcher, Reporter& reporter);
    OperationOutcome down(const DownOptions& options, Reporter& reporter);
    // VMs that run: script and payload are sent, run and verified, as castra.toml says.
    OperationOutcome bootstrap(const BootstrapOptions& options, Reporter& reporter);
    OperationOutcome status(const OperationOptions& options, Reporter& reporter);
    OperationOutcome clean(const CleanOptions& options, Reporter& reporter);

private:
    struct Core; // all that its thread owns
    std::unique_ptr<Core> core_;
};

} // namespace castra
