// SPDX-License-Identifier: Apache-2.0
// Machine::start: prepare, launch, await readiness.
#include "base/ulid.hpp"
#include "contract/text.hpp"
#include "host/files.hpp"
#include "host/run_program.hpp"
#include "lifecycle/child_fds.hpp"
#include "lifecycle/host_key.hpp"
#include "lifecycle/machine.hpp"
#include "state/overlay_note.hpp"

#include <csignal>

namespace castra {

using contract::draft;
using contract::Severity;

namespace {

// Without a journal nobody would know what happens from here on: nothing more is begun, and what boots is not waited
// for.
Result<> journal_holds(EventBus& bus, BootContext& context) {
    if (!bus.journal_failed()) return {};
    context.cancel.open();
    return fail(ErrorCode::cancelled, "the run's journal cannot be written");
}

// What was said so far, the promise of this run above all, is on disk. This waits for the disk, so it comes as late as
// it may: files are made meanwhile, and no program runs before.
Result<> journal_is_durable(EventBus& bus, BootContext& context) {
    bus.flush();
    return journal_holds(bus, context);
}

} // namespace

Task<Result<>> Machine::start(EventBus& bus, MachineSpec spec, BootContext& context) {
    const bool entered = co_await context.window.enter(context.cancel);
    if (!entered) co_return fail(ErrorCode::cancelled, "VM " + name_ + ": cancelled before its launch");
    struct Place {
        BootWindow& window;
        ~Place() { window.leave(); }
    } place{context.window};
    CASTRA_CO_CHECK(journal_holds(bus, context));
    CASTRA_CO_CHECK(step(VmStep::prepare));
    auto prepared = co_await prepare(bus, spec, context);
    if (prepared && context.cancel.is_open()) prepared = fail(ErrorCode::cancelled, "cancelled before its launch");
    if (prepared) prepared = co_await launch(bus, context);
    if (!prepared) {
        leases_.clear();
        (void)step(VmStep::failed);
        co_return Failure(prepared.error().within("start VM " + name_));
    }
    (void)journal_is_durable(bus, context);
    auto ready = co_await await_ready(bus, context.cancel, spec.ready_wait);
    if (!ready) co_return Failure(ready.error().within("start VM " + name_));
    co_return Result<>();
}

Task<Result<>> Machine::prepare(EventBus& bus, MachineSpec& spec, BootContext& context) {
    launcher_ = spec.launcher;
    record_ = {};
    record_.name = name_;
    record_.incarnation =
        make_ulid(static_cast<std::uint64_t>(host_.clock().unix_us() / 1000), host_.clock().entropy());
    record_.uuid = spec.vm.uuid;
    record_.launcher = launcher_->id();
    record_.phase = "preparing";
    record_.boot_id = host_.boot_id();
    plan_ = {};
    serial_.reset();
    notify_.reset();
    CASTRA_CO_CHECK(files::make_directories(layout_.vm_dir(name_)));
    CASTRA_CO_CHECK(files::make_directories(layout_.vm_runtime_dir(name_)));
    CASTRA_CO_CHECK(save_record(layout_, record_)); // keys come before there is a plan; a successor finds them, too
    CASTRA_CO_CHECK(files::remove(process_log()));
    CASTRA_CO_CHECK(lease_ports(spec.vm, context.named_ports));
    if (spec.wants_ssh_key) {
        CASTRA_CO_CHECK(co_await make_ssh_key());
    }
    auto plan = co_await make_plan(spec, context);
    if (!plan) co_return Failure(plan.error());
    plan_ = std::move(*plan);
    record_.spec = spec.vm;
    record_.plan = plan_;
    CASTRA_CO_CHECK(check_overlays(spec));
    if (!plan_.overlays.empty()) record_.overlay = plan_.overlays.front().path;
    CASTRA_CO_CHECK(save_record(layout_, record_)); // from here on a successor finds whatever is made
    for (const auto& warning : plan_.warnings)
        if (context.warnings_said.insert(warning.text).second)
            publish(bus, contract::message(Severity::warn, contract::clean_text(warning.text, 1024, true), warning.code)
                             .cure(contract::clean_text(warning.hint, 1024, true)));
    for (const auto& file : plan_.files) {
        if (std::filesystem::path(file.path).parent_path() != layout_.vm_dir(name_))
            co_return fail(ErrorCode::plugin,
                           "the plan of " + launcher_->id() + " writes outside the VM's directory: " + file.path);
        CASTRA_CO_CHECK(files::replace(file.path, files::decode_base64(file.content_base64), false));
    }
    co_return co_await make_overlays(bus, spec);
}

Result<> Machine::lease_ports(sdk::VmSpec& vm, const NamedPorts& named) {
    leases_.clear();
    for (auto& forward : vm.port_forwards) {
        auto lease = forward.host == 0 ? lease_free_port(host_, forward.address, forward.protocol, named)
                                       : host_.lease_port(forward.address, forward.host, forward.protocol);
        if (!lease) return Failure(lease.error());
        forward.host = lease->port;
        leases_.push_back(std::move(*lease));
    }
    return {};
}

Task<Result<sdk::LaunchPlan>> Machine::make_plan(MachineSpec& spec, BootContext& context) {
    CASTRA_CO_TRY(needs, spec.launcher->requirements(spec.vm));
    sdk::PlanRequest request;
    for (const auto& probe : needs.probes) {
        auto verdict = co_await context.probes.verdict(probe, context.cancel);
        if (context.cancel.is_open()) co_return fail(ErrorCode::cancelled, "cancelled while an accelerator was probed");
        request.probes[probe.id] = verdict;
    }
    request.vm = spec.vm;
    request.paths.state_dir = layout_.vm_dir(name_);
    request.paths.runtime_dir = layout_.vm_runtime_dir(name_);
    request.paths.overlay = spec.overlay.empty() ? (layout_.vm_dir(name_) / "overlay.qcow2").string() : spec.overlay;
    if (spec.wants_ssh_key) request.paths.authorized_keys = record_.ssh_key + ".pub";
    CASTRA_CO_CHECK(make_door(request.paths));
    auto plan = spec.launcher->plan(request);
    if (plan && plan->argv.empty())
        co_return fail(ErrorCode::plugin, "the plan of " + spec.launcher->id() + " has no argv");
    co_return plan;
}

// Before anything is recorded: what is recorded as this VM's overlay will one day be removed.
Result<> Machine::check_overlays(const MachineSpec& spec) const {
    if (plan_.overlays.empty()) return {};
    const auto& path = plan_.overlays.front().path;
    const auto ours = (layout_.vm_dir(name_) / "overlay.qcow2").string();
    if (plan_.overlays.size() > 1 || (path != ours && path != spec.overlay))
        return fail(ErrorCode::plugin,
                    "the plan of " + launcher_->id() + " makes overlays that nobody asked for: " + path);
    // One that an earlier castra made and could not remove is an orphan: it will be announced and replaced.
    if (path == ours || !files::exists(path)) return {};
    CASTRA_TRY(is_ours, is_our_overlay(layout_, name_, path));
    if (!is_ours)
        return fail(ErrorCode::preflight, "overlay " + path + " exists already, and castra did not make it",
                    "remove it, or name another file in [[vms]] overlay");
    return {};
}

Task<Result<>> Machine::make_overlays(EventBus& bus, const MachineSpec& spec) {
    for (const auto& overlay : plan_.overlays) {
        if (files::exists(overlay.path)) {
            contract::VmOverlayDiscarded orphan;
            orphan.overlay_path = overlay.path;
            orphan.reclaimed_bytes = files::allocated_bytes(overlay.path);
            orphan.reason = contract::DiscardReason::orphan;
            publish(bus, draft(orphan, name_ + ": orphaned overlay discarded"));
            bus.flush(); // durable before it goes
            if (bus.journal_failed()) co_return fail(ErrorCode::cancelled, "the run's journal cannot be written");
            CASTRA_CO_CHECK(files::remove(overlay.path));
        }
        const bool is_elsewhere = overlay.path != layout_.vm_dir(name_) / "overlay.qcow2";
        if (is_elsewhere) CASTRA_CO_CHECK(promise_overlay(layout_, name_, overlay.path));
        ProgramRun run;
        run.argv = overlay.argv;
        run.working_dir = layout_.vm_dir(name_);
        run.output_path = process_log();
        run.deadline = Milliseconds(overlay.deadline_ms);
        auto made = co_await run_checked(host_, std::move(run));
        if (!made) co_return Failure(made.error().within("make overlay " + overlay.path));
        if (is_elsewhere) CASTRA_CO_CHECK(confirm_overlay(layout_, name_, overlay.path));
        contract::VmOverlayPrepared event;
        event.overlay_path = overlay.path;
        event.base_image = overlay.base_image;
        event.base_digest = spec.base_digest;
        event.base_cached = spec.base_cached;
        publish(bus, draft(event, name_ + ": overlay on " + overlay.base_image));
    }
    co_return Result<>();
}

Task<Result<>> Machine::make_ssh_key() {
    const auto dir = layout_.vm_dir(name_) / "ssh";
    CASTRA_CO_CHECK(files::remove_tree(dir));
    CASTRA_CO_CHECK(files::make_directories(dir));
    record_.ssh_key = dir / "id_ed25519";
    ProgramRun run;
    run.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "castra-" + name_, "-f", record_.ssh_key};
    run.output_path = process_log();
    auto made = co_await run_checked(host_, std::move(run));
    if (!made) co_return Failure(made.error().within("make an SSH key"));
    co_return Result<>();
}

Task<Result<>> Machine::launch(EventBus& bus, BootContext& context) {
    CASTRA_CO_TRY(program, host_.find_program(plan_.argv.front()));
    SpawnRequest request;
    request.program = program;
    request.argv = plan_.argv;
    request.env = minimal_environment();
    for (const auto& [name, value] : plan_.env)
        request.env.push_back(name + "=" + value);
    request.env.push_back(mark());
    request.working_dir = plan_.working_dir.empty() ? layout_.vm_dir(name_).string() : plan_.working_dir;
    request.output_path = process_log();

    ChildFds fds; // closed when the child has its copies
    for (const auto& socket : plan_.sockets) {
        CASTRA_CO_TRY(fd, host_.listen_unix_fd(socket.path));
        fds.add(request, socket.name, std::move(fd));
    }
    if (plan_.readiness.kind == "notify") {
        CASTRA_CO_TRY(pair, host_.notify_pair());
        notify_.emplace(std::move(pair.first));
        fds.add(request, "notify", std::move(pair.second));
    }
    for (const auto& lease : leases_)
        fds.lend(request, lease.holder);
    fds.fill_in(request);

    CASTRA_CO_CHECK(co_await connect_logs(true)); // before the child runs: the sockets listen already
    request.held = true;
    auto process = host_.spawn(request);
    if (!process) co_return Failure(process.error());
    process_ = std::move(*process);
    leases_.clear(); // the child holds them now
    exited_ = std::make_unique<Gate>(host_.executor());
    exit_published_ = false;
    exit_status_ = {};
    record_.phase = "launched";
    record_.pid = process_->id().pid;
    record_.start_ticks = process_->id().start_ticks;
    record_.launched_unix_us = host_.clock().unix_us();
    // Recorded first, run second: killed in between, castra leaves nothing that runs.
    auto runs = save_record(layout_, record_);
    if (runs) runs = journal_is_durable(bus, context);
    if (runs) runs = process_->release();
    if (!runs) {
        (void)process_->signal(SIGKILL);
        co_await process_->wait();
        process_.reset();
        co_return Failure(runs.error());
    }
    (void)step(VmStep::spawned);
    asio::co_spawn(host_.executor(), watch(shared_from_this()), asio::detached);
    open_door();
    contract::VmLaunch event;
    event.pid = record_.pid;
    event.accelerator = plan_.accelerator;
    event.launcher = record_.launcher;
    event.incarnation = record_.incarnation;
    publish(bus, draft(event, name_ + " launched (" + record_.launcher + ", " + plan_.accelerator + ")"));
    co_return Result<>();
}

Task<Result<>> Machine::connect_logs(bool for_marker) {
    for (const auto& socket : plan_.sockets) {
        if (socket.log.empty()) continue;
        const bool is_ready_socket =
            for_marker && plan_.readiness.kind == "marker" && socket.name == plan_.readiness.socket;
        CASTRA_CO_TRY(stream, co_await host_.connect_unix(socket.path));
        auto log =
            std::make_shared<SerialLog>(host_.executor(), socket.log, is_ready_socket ? plan_.readiness.text : "");
        asio::co_spawn(host_.executor(), SerialLog::read(log, std::move(stream)), asio::detached);
        if (is_ready_socket || !serial_) serial_ = std::move(log);
    }
    co_return Result<>();
}

namespace {

// Readiness by a line on the notify pipe; never returns when the pipe closes without one.
Task<> ready_line(Stream& stream, Gate& never) {
    while (true) {
        const auto line = co_await stream.read_line(4096);
        if (line && *line && (*line)->starts_with("READY")) co_return;
        if (!line || !*line) co_await never.wait();
        if (!line || !*line) co_return;
    }
}

Task<> readiness(const sdk::Readiness& how, SerialLog* serial, std::optional<Stream>& notify, Gate& never) {
    if (how.kind == "started") co_return;
    if (how.kind == "marker" && serial) co_return co_await serial->marker_seen().wait();
    if (how.kind == "notify" && notify) co_return co_await ready_line(*notify, never);
    co_await never.wait();
}

} // namespace

// Without it ssh accepts the first key that it is shown.
void Machine::keep_host_key(std::string_view told) {
    if (record_.ssh_key.empty()) return;
    const auto key = host_key_in(told);
    if (!key || !record_.spec.contains("port_forwards")) return;
    const auto lines = known_hosts_lines(*key, record_.spec["port_forwards"].get<std::vector<sdk::PortForward>>());
    if (!lines.empty()) (void)files::replace(layout_.vm_dir(name_) / "ssh" / "known_hosts", lines, false);
}

Task<Result<>> Machine::await_ready(EventBus& bus, Gate& cancel, Milliseconds ready_wait) {
    const auto wait = std::min(ready_wait, Milliseconds(std::max<std::int64_t>(1, plan_.readiness.deadline_ms)));
    Gate never(host_.executor());
    const auto first = co_await (readiness(plan_.readiness, serial_.get(), notify_, never) || agent_ready(never) ||
                                 exited_->wait() || host_.sleep_for(wait) || cancel.wait());
    notify_.reset();
    if (exited_->is_open()) {
        (void)step(VmStep::exited);
        publish_exit(bus, false, "boot");
        co_return fail(ErrorCode::launch, "its process ended before it was ready",
                       "see the failure capsule of its vm.exited event");
    }
    if (cancel.is_open()) co_return fail(ErrorCode::cancelled, "cancelled while it booted");
    const bool told_by_agent = first.index() == 1;
    if (first.index() > 1)
        co_return fail(ErrorCode::timeout,
                       "not ready within " + std::to_string(wait.count()) +
                           " ms; last output: " + contract::clean_text(output_tail(), 400, true),
                       "raise [lifecycle] ready_wait_secs, or read " + (layout_.vm_dir(name_) / "serial.log").string());
    if (told_by_agent)
        keep_host_key(std::get<1>(first));
    else if (serial_ && serial_->marker_seen().is_open())
        keep_host_key(serial_->marker_line());
    CASTRA_CO_CHECK(step(VmStep::ready));
    record_.phase = "ready";
    record_.ready_unix_us = host_.clock().unix_us();
    (void)save_record(layout_, record_); // without it a successor calls the VM running instead of ready
    contract::VmReady event;
    event.via = told_by_agent ? "agent" : plan_.readiness.kind;
    event.boot_ms = (record_.ready_unix_us - record_.launched_unix_us) / 1000;
    publish(bus, draft(event, name_ + " ready after " + std::to_string(event.boot_ms) + " ms"));
    co_return Result<>();
}

} // namespace castra
