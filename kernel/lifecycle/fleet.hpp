// SPDX-License-Identifier: Apache-2.0
// The VMs of one project: brings them up through the boot window, takes them down all at once, adopts those that an
// earlier supervisor left. Decides what a failure means for the others; each VM's own life is Machine's.
// Thread: the kernel's. One up or down at a time: whoever runs operations sees to that.
#pragma once
#include "lifecycle/machine.hpp"

#include <set>

namespace castra {

struct FleetUp {
    std::vector<MachineSpec> specs;
    std::int64_t boot_window = 1;
    bool keep_going = false; // a VM that fails leaves the others standing; otherwise all that this run did is undone
    StopPlan stop_plan;      // for undoing and replacing
    NamedPorts named_ports;  // of the whole project: no VM gets one of these by chance
    std::set<std::string> replaced; // of those that run: stopped first, then started as wanted now
    // Of each VM as soon as it is ready, and of those that are already. What comes of it is the giver's to know: it
    // fails nothing here.
    std::function<Task<>(Machine&)> when_ready;
};

struct FleetResult {
    std::vector<contract::VmResult> vms;
    std::int64_t reclaimed_bytes = 0;
    std::vector<std::string> leftovers;
    std::vector<Error> failures;
    bool undone = false; // up only: what this run had started was taken down again
};

class Fleet {
public:
    using OnLost = Machine::OnLost;
    // `probe_cache`: shared by all projects.
    Fleet(Host& host, const Layout& layout, std::filesystem::path probe_cache, OnLost on_lost);

    // Opening `cancel` ends it early; the result then has outcome cancelled for what was under way. So does a journal
    // that fails, which is a failure besides.
    Task<FleetResult> up(EventBus& bus, FleetUp wanted, Gate& cancel);
    // Empty: all. A name that nobody has is a result of outcome unchanged, state absent.
    Task<FleetResult> down(EventBus& bus, std::vector<std::string> names, const StopPlan& stop_plan);
    // Takes up every recorded VM that is not known yet; what does not live is failed, for down or up to clear away.
    // A record that cannot be read is an entry in the answer: that VM is left alone where a process uses its
    // directories, otherwise it is failed too.
    std::vector<Error> adopt_recorded();
    // Once more, when records could not be read or not even be listed: what was wrong may have been mended. Errors: io,
    // they still cannot be listed: nobody knows what runs, and nothing may be started or called down.
    Result<> adopt_missed();

    bool has_processes() const;
    std::vector<contract::RunningVm> running() const;
    // Of every machine, now and later; outlives the fleet.
    void set_guest_link(GuestLink* link);
    // Tells a broker that has just begun of the VMs that run already.
    void open_doors();
    Machine* find(const std::string& name);

private:
    struct Effort; // one VM within one up
    Task<> bring_up(EventBus& bus, Effort& effort, BootContext& context, bool keep_going);
    Task<> replace(EventBus& bus, Effort& effort, BootContext& context, const FleetUp& wanted, FleetResult& total);
    Task<> take_down(EventBus& bus, Machine& machine, StopTimes times, contract::VmResult& result, FleetResult& total);
    Task<> undo(EventBus& bus, std::vector<Effort>& efforts, const StopPlan& stop_plan, FleetResult& total);
    Machine& machine(const std::string& name);
    void report(EventBus& bus, const std::string& vm, const Error& error);
    void judge_the_dead(std::vector<Effort>& efforts, BootContext& context, bool keep_going);

    Host& host_;
    const Layout& layout_;
    ProbeBook probes_;
    OnLost on_lost_;
    GuestLink* guests_ = nullptr;
    std::map<std::string, std::shared_ptr<Machine>> machines_;
    bool has_missed_ = false;              // records could not be listed
    std::map<std::string, Error> damaged_; // VMs whose record cannot be read, and somebody uses their directory
};

} // namespace castra
