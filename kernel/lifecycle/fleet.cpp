// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/fleet.hpp"

#include "contract/text.hpp"
#include "host/in_parallel.hpp"
#include "state/vm_folder.hpp"

#include <algorithm>

namespace castra {

using contract::VmOutcome;

// Invariant: `error` is set when, and only when, this VM did not reach ready in this run.
struct Fleet::Effort {
    MachineSpec spec;
    Machine* machine = nullptr;
    contract::VmResult result;
    bool begun = false;
    bool ran = false;  // before this run
    bool died = false; // unasked, after it was ready or ran
    std::optional<Error> error;
};

Fleet::Fleet(Host& host, const Layout& layout, std::filesystem::path probe_cache, OnLost on_lost)
    : host_(host), layout_(layout), probes_(host, std::move(probe_cache), layout.runtime_dir()),
      on_lost_(std::move(on_lost)) {}

Machine& Fleet::machine(const std::string& name) {
    auto& held = machines_[name];
    if (!held) {
        held = std::make_shared<Machine>(host_, layout_, name, on_lost_);
        held->set_guest_link(guests_);
    }
    return *held;
}

void Fleet::set_guest_link(GuestLink* link) {
    guests_ = link;
    for (const auto& [name, held] : machines_)
        held->set_guest_link(link);
}

void Fleet::open_doors() {
    for (const auto& [name, held] : machines_)
        held->open_door();
}

Machine* Fleet::find(const std::string& name) {
    const auto found = machines_.find(name);
    return found == machines_.end() ? nullptr : found->second.get();
}

std::vector<Error> Fleet::adopt_recorded() {
    std::vector<Error> problems;
    const auto names = recorded_vms(layout_);
    has_missed_ = !names;
    std::optional<VmUsers> users;
    if (!names) return {names.error()};
    damaged_.clear(); // what was wrong may have been mended
    std::erase_if(machines_, [](const auto& one) { return one.second->is_remains(); });
    for (const auto& name : *names) {
        if (const auto* held = find(name); held && held->state() != VmState::absent) continue;
        auto record = load_record(layout_, name);
        if (!record) {
            auto problem = record.error();
            if (!users) users.emplace(layout_);
            if (const auto user = users->user_of(name)) {
                problem.text += "; " + *user;
                problem.hint = "end that process if it is the VM, then castra down";
                damaged_.emplace(name, problem);
            } else {
                machine(name).take_remains(problem);
            }
            problems.push_back(std::move(problem));
            continue;
        }
        (void)machine(name).adopt(std::move(*record)); // not alive: failed, and cleared away by the next up or down
    }
    return problems;
}

Result<> Fleet::adopt_missed() {
    const bool has_remains = std::ranges::any_of(machines_, [](const auto& one) { return one.second->is_remains(); });
    if (!has_missed_ && damaged_.empty() && !has_remains) return {};
    auto problems = adopt_recorded(); // what is damaged, down tells
    if (has_missed_) return Failure(problems.front());
    return {};
}

bool Fleet::has_processes() const {
    for (const auto& [name, held] : machines_)
        if (has_process(held->state())) return true;
    return false;
}

std::vector<contract::RunningVm> Fleet::running() const {
    std::vector<contract::RunningVm> out;
    for (const auto& [name, held] : machines_)
        if (has_process(held->state())) out.push_back({name, held->record().incarnation});
    return out;
}

void Fleet::report(EventBus& bus, const std::string& vm, const Error& error) {
    // A process that ended has its own event with a capsule.
    if (error.code == ErrorCode::launch || error.code == ErrorCode::cancelled) return;
    const auto text = contract::clean_text(error.text, 2048, true);
    bus.publish(contract::message(contract::Severity::error, text, std::string(to_string(error.code)))
                    .on(vm)
                    .because({std::string(to_string(error.code)), vm + " could not be brought up", text, true})
                    .cure(contract::clean_text((error.hint.empty() ? "" : error.hint + "; ") + "next: castra up " + vm,
                                               1024, true)));
}

Task<> Fleet::bring_up(EventBus& bus, Effort& effort, BootContext& context, bool keep_going) {
    auto& vm = *effort.machine;
    auto give_up = [&](const Error& error) {
        effort.error = error;
        report(bus, vm.name(), error);
        if (error.code != ErrorCode::cancelled && !keep_going) context.cancel.open();
    };
    if (const auto damaged = damaged_.find(vm.name()); damaged != damaged_.end()) co_return give_up(damaged->second);
    if (vm.state() == VmState::failed || vm.state() == VmState::stopped) // what an earlier life left
        if (auto cleared = vm.discard(bus, contract::DiscardReason::orphan); !cleared)
            co_return give_up(cleared.error());
    effort.begun = true;
    auto started = co_await vm.start(bus, std::move(effort.spec), context);
    if (!started) co_return give_up(started.error());
    if (context.when_ready) co_await context.when_ready(vm);
}

// What was is gone for good then: an up that fails afterwards cannot bring it back.
Task<> Fleet::replace(EventBus& bus, Effort& effort, BootContext& context, const FleetUp& wanted, FleetResult& total) {
    if (context.cancel.is_open()) co_return;
    contract::VmResult gone;
    const auto failures = total.failures.size();
    co_await take_down(bus, *effort.machine, wanted.stop_plan.of(effort.machine->name()), gone, total);
    if (gone.outcome == VmOutcome::succeeded) {
        co_await bring_up(bus, effort, context, wanted.keep_going);
    } else if (total.failures.size() > failures) {
        effort.error = total.failures.back();
        total.failures.pop_back(); // up() takes it from the effort
        if (!wanted.keep_going) context.cancel.open();
    }
}

namespace {

// As castra status has it: one that had said ready still is, though whoever heard it was killed.
VmState told_state(const Machine& vm) {
    return vm.state() == VmState::running && vm.record().phase == "ready" ? VmState::ready : vm.state();
}

} // namespace

Task<FleetResult> Fleet::up(EventBus& bus, FleetUp wanted, Gate& cancel) {
    FleetResult total;
    BootWindow window(host_.executor(), wanted.boot_window);
    BootContext context{probes_, window, cancel};
    context.when_ready = wanted.when_ready;
    context.named_ports = wanted.named_ports;
    std::vector<Effort> efforts;
    for (auto& spec : wanted.specs) {
        auto& vm = machine(spec.vm.name);
        Effort effort;
        effort.result = {vm.name(), "", VmOutcome::unchanged};
        effort.machine = &vm;
        effort.ran = has_process(vm.state());
        effort.spec = std::move(spec);
        efforts.push_back(std::move(effort));
    }
    std::vector<Task<>> tasks;
    for (auto& effort : efforts)
        if (!has_process(effort.machine->state()))
            tasks.push_back(bring_up(bus, effort, context, wanted.keep_going));
        else if (wanted.replaced.contains(effort.machine->name()))
            tasks.push_back(replace(bus, effort, context, wanted, total));
        else if (wanted.when_ready)
            tasks.push_back(wanted.when_ready(*effort.machine));
    co_await in_parallel(host_.executor(), std::move(tasks));
    judge_the_dead(efforts, context, wanted.keep_going);
    bus.flush();
    if (bus.journal_failed()) { // whatever keep_going says: what stands would stand without an account of it
        cancel.open();
        total.failures.push_back({ErrorCode::io, "the run's journal cannot be written", ""});
    }
    for (auto& effort : efforts) {
        if (effort.begun) effort.result.outcome = VmOutcome::succeeded;
        if (!effort.error) continue;
        const bool cancelled = effort.error->code == ErrorCode::cancelled;
        effort.result.outcome = cancelled ? VmOutcome::cancelled : VmOutcome::failed;
        if (!cancelled) total.failures.push_back(*effort.error);
    }
    total.undone = cancel.is_open(); // by the user, or by a failure without keep_going
    co_await undo(bus, efforts, wanted.stop_plan, total);
    for (auto& effort : efforts) {
        effort.result.final_state =
            damaged_.contains(effort.machine->name()) ? "unknown" : std::string(to_string(told_state(*effort.machine)));
        if (effort.machine->state() == VmState::failed)
            effort.result.outcome = VmOutcome::failed; // died after it was ready
        total.vms.push_back(effort.result);
    }
    co_return total;
}

// A VM that became ready or ran before, and ended while others still booted, has failed this run as much as one that
// never was.
void Fleet::judge_the_dead(std::vector<Effort>& efforts, BootContext& context, bool keep_going) {
    for (auto& effort : efforts) {
        if (effort.error || effort.machine->state() != VmState::failed || !(effort.begun || effort.ran)) continue;
        effort.died = true;
        effort.error = Error{ErrorCode::launch,
                             "VM " + effort.machine->name() +
                                 (effort.begun ? " ended after it was ready" : ", which ran before, ended meanwhile"),
                             ""};
        if (!keep_going) context.cancel.open();
    }
}

// Takes down what this run began: everything when the run is undone, otherwise only what never became ready. One that
// died later is as any other that died by itself: it may be started again.
Task<> Fleet::undo(EventBus& bus, std::vector<Effort>& efforts, const StopPlan& stop_plan, FleetResult& total) {
    std::vector<Task<>> tasks;
    std::vector<contract::VmResult> ignored(efforts.size());
    std::size_t at = 0;
    for (auto& effort : efforts) {
        auto& scratch = ignored[at++];
        if (!effort.begun || ((!effort.error || effort.died) && !total.undone)) continue;
        if (!effort.error && total.undone) effort.result.outcome = VmOutcome::cancelled;
        tasks.push_back(take_down(bus, *effort.machine, stop_plan.of(effort.machine->name()), scratch, total));
    }
    co_await in_parallel(host_.executor(), std::move(tasks));
}

Task<> Fleet::take_down(EventBus& bus, Machine& vm, StopTimes times, contract::VmResult& result, FleetResult& total) {
    result.outcome = vm.state() == VmState::absent ? VmOutcome::unchanged : VmOutcome::succeeded;
    const auto reason = has_process(vm.state()) ? contract::DiscardReason::shutdown : contract::DiscardReason::orphan;
    auto give_up = [&](const Error& error) {
        result.outcome = VmOutcome::failed;
        total.failures.push_back(error);
        total.leftovers.push_back(layout_.vm_dir(vm.name()));
        report(bus, vm.name(), error);
    };
    if (has_process(vm.state())) {
        const auto stopped = co_await vm.stop(bus, times);
        if (!stopped) co_return give_up(stopped.error());
    }
    if (vm.state() == VmState::absent) co_return;
    const auto discarded = vm.discard(bus, reason);
    if (!discarded) co_return give_up(discarded.error());
    total.reclaimed_bytes += *discarded;
}

Task<FleetResult> Fleet::down(EventBus& bus, std::vector<std::string> names, const StopPlan& stop_plan) {
    FleetResult total;
    if (names.empty()) {
        for (const auto& [name, held] : machines_)
            names.push_back(name);
        for (const auto& [name, error] : damaged_)
            if (!machines_.contains(name)) names.push_back(name);
    }
    total.vms.resize(names.size());
    std::vector<Task<>> tasks;
    for (std::size_t i = 0; i < names.size(); ++i) {
        total.vms[i].vm = names[i];
        total.vms[i].outcome = VmOutcome::unchanged;
        if (const auto damaged = damaged_.find(names[i]); damaged != damaged_.end()) {
            total.vms[i].outcome = VmOutcome::failed;
            total.failures.push_back(damaged->second);
            total.leftovers.push_back(layout_.vm_dir(names[i]));
            report(bus, names[i], damaged->second);
        } else if (auto* held = find(names[i]))
            tasks.push_back(take_down(bus, *held, stop_plan.of(names[i]), total.vms[i], total));
    }
    co_await in_parallel(host_.executor(), std::move(tasks));
    for (auto& result : total.vms) {
        const auto* held = find(result.vm);
        if (damaged_.contains(result.vm))
            result.final_state = "unknown";
        else
            result.final_state = held ? to_string(held->state()) : to_string(VmState::absent);
    }
    co_return total;
}

} // namespace castra
