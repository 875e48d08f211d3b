// SPDX-License-Identifier: Apache-2.0
// One VM: carries out its launcher's plan, owns its process, tells the bus each step. Its state moves only by the table
// in vm_state.hpp. Knows nothing of other VMs.
// Thread: the kernel's. Owner: the Fleet (shared, because its watcher waits for the process).
#pragma once
#include "bus/event_bus.hpp"
#include "host/free_port.hpp"
#include "lifecycle/boot_window.hpp"
#include "lifecycle/guest_link.hpp"
#include "lifecycle/launcher_client.hpp"
#include "lifecycle/probe_book.hpp"
#include "lifecycle/serial_log.hpp"
#include "lifecycle/stop_times.hpp"
#include "lifecycle/vm_state.hpp"
#include "state/vm_record.hpp"

#include <set>

namespace castra {

// What a VM shall be.
struct MachineSpec {
    sdk::VmSpec vm;
    std::shared_ptr<LauncherClient> launcher;
    std::optional<std::string> base_digest;
    bool base_cached = false;
    std::string overlay; // absolute; empty: below the state directory
    bool wants_ssh_key = false;
    Milliseconds ready_wait{120000};
};

// What the VMs of one `up` share.
struct BootContext {
    ProbeBook& probes;
    BootWindow& window;
    Gate& cancel;                                       // open: give up
    std::set<std::string> warnings_said{};              // the same warning of twenty VMs is one event
    std::function<Task<>(class Machine&)> when_ready{}; // part of bringing it up; may be empty
    NamedPorts named_ports{};                           // no VM gets one of these by chance
};

class Machine : public std::enable_shared_from_this<Machine> {
public:
    // Told when the process ends and nobody had asked for it.
    using OnLost = std::function<void(Machine&)>;

    Machine(Host& host, const Layout& layout, std::string name, OnLost on_lost);

    // The broker's end of it, or null; outlives the machine. open_door() tells it of a VM that runs already.
    void set_guest_link(GuestLink* link) { guests_ = link; }
    void open_door();

    const std::string& name() const { return name_; }
    VmState state() const { return state_; }
    const VmRecord& record() const { return record_; }

    // From absent, stopped or failed to ready. On failure it is failed, or still booting: then stop() it. discard()
    // removes the rest. Errors: cancelled when the context's gate opened; launch when the process ended (its event is
    // published).
    Task<Result<>> start(EventBus& bus, MachineSpec spec, BootContext& context);
    // Cooperation, then SIGTERM, then SIGKILL. Errors: timeout when even that did not end it.
    Task<Result<>> stop(EventBus& bus, StopTimes times);
    // Removes overlay, keys, sockets and record, each announced first; logs stay. Returns the bytes given back.
    Result<std::int64_t> discard(EventBus& bus, contract::DiscardReason reason);
    // Takes up a process of an earlier supervisor. Errors: not_found when the record's process is gone: then failed.
    Result<> adopt(VmRecord record);
    // Its record cannot be read, and nothing of it lives: failed, and what is left goes with the next discard().
    // Requires: absent.
    void take_remains(const Error& why);
    bool is_remains() const { return !damage_.empty(); }
    // The event for an end that nobody asked for, with its capsule.
    void report_lost(EventBus& bus);
    Gate& ended() { return *exited_; } // open when the process has ended; requires: one was launched or adopted
    const ExitStatus& exit_status() const { return exit_status_; } // of the last process
    // For status: the supervisor will start it again; 0: it will not.
    void note_restart(std::int64_t unix_us, std::int64_t attempt);

private:
    Result<> step(VmStep step);
    void publish(EventBus& bus, contract::Draft draft);

    // start(), in order. Each returns with nothing running on failure.
    Task<Result<>> prepare(EventBus& bus, MachineSpec& spec, BootContext& context);
    Result<> lease_ports(sdk::VmSpec& vm, const NamedPorts& named);
    Task<Result<sdk::LaunchPlan>> make_plan(MachineSpec& spec, BootContext& context);
    Result<> check_overlays(const MachineSpec& spec) const;
    Task<Result<>> make_overlays(EventBus& bus, const MachineSpec& spec);
    Task<Result<>> make_ssh_key();
    Task<Result<>> launch(EventBus& bus, BootContext& context);
    Task<Result<>> await_ready(EventBus& bus, Gate& cancel, Milliseconds ready_wait);
    Task<Result<>> connect_logs(bool for_marker);
    void keep_host_key(std::string_view told);

    // The guest's way to the broker (machine_door.cpp).
    Result<> make_door(sdk::VmPaths& paths);
    void close_door();
    Task<std::string> agent_ready(Gate& never); // with what the guest told of itself
    Task<bool> cooperate_by_agent(EventBus& bus, Milliseconds wait);
    std::filesystem::path door_file() const { return layout_.vm_dir(name_) / "broker.json"; }

    // stop(), in order.
    enum class Listens { no, perhaps, yes }; // perhaps: nobody has seen it ready
    Task<bool> cooperate(EventBus& bus, Milliseconds graceful, bool adopted, Listens listens);
    Task<Result<>> prove_identity(Milliseconds wait);
    std::filesystem::path socket_path(const std::string& name) const;
    Task<bool> escalate(EventBus& bus, contract::EscalationSignal signal, Milliseconds wait);
    Task<bool> exits_within(Milliseconds wait);
    void publish_exit(EventBus& bus, bool expected, const std::string& phase);

    static Task<> watch(std::shared_ptr<Machine> self);
    static Task<> reconnect(std::shared_ptr<Machine> self);
    std::string output_tail() const;
    std::string mark() const { return "CASTRA_INCARNATION=" + record_.incarnation; } // in its process's environment
    std::filesystem::path process_log() const { return layout_.vm_dir(name_) / "process.log"; }

    Host& host_;
    const Layout& layout_;
    std::string name_;
    OnLost on_lost_;
    GuestLink* guests_ = nullptr;
    VmState state_ = VmState::absent;
    std::shared_ptr<LauncherClient> launcher_; // null for an adopted machine
    VmRecord record_;
    std::string damage_; // of a record that could not be read; empty: it could, or there was none
    sdk::LaunchPlan plan_;
    std::vector<PortLease> leases_;
    std::unique_ptr<Process> process_;
    std::unique_ptr<Gate> exited_;
    ExitStatus exit_status_;
    std::shared_ptr<SerialLog> serial_; // of the plan's readiness socket, or the first with a log
    std::optional<Stream> notify_;      // until ready
    bool exit_published_ = false;
};

} // namespace castra
