// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/machine.hpp"

#include "contract/text.hpp"
#include "host/files.hpp"
#include "lifecycle/control_channel.hpp"

namespace castra {

using contract::draft;
using contract::Severity;

Machine::Machine(Host& host, const Layout& layout, std::string name, OnLost on_lost)
    : host_(host), layout_(layout), name_(std::move(name)), on_lost_(std::move(on_lost)) {
    record_.name = name_;
}

Result<> Machine::step(VmStep what) {
    const auto next = next_state(state_, what);
    if (!next)
        return fail(ErrorCode::internal, "VM " + name_ + " is " + std::string(to_string(state_)) +
                                             " and cannot take the step " + std::string(to_string(what)));
    state_ = *next;
    return {};
}

void Machine::publish(EventBus& bus, contract::Draft event) {
    bus.publish(std::move(event).on(name_));
}

Result<> Machine::adopt(VmRecord record) {
    record_ = std::move(record);
    if (record_.restart_unix_us != 0) note_restart(0, 0); // who promised it is gone
    try {
        plan_ = record_.plan.get<sdk::LaunchPlan>();
    } catch (const std::exception&) { // the process is what the head names: it is ended by signals alone
        plan_ = {};
    }
    if (record_.boot_id != host_.boot_id() || record_.pid == 0) {
        (void)step(VmStep::failed);
        return fail(ErrorCode::not_found,
                    "VM " + name_ + ": its process ended with an earlier boot or was never started");
    }
    auto process = host_.adopt(record_.process());
    if (!process) {
        if (!record_.incarnation.empty()) host_.end_remains(record_.process(), mark());
        (void)step(VmStep::failed);
        return Failure(process.error());
    }
    process_ = std::move(*process);
    exited_ = std::make_unique<Gate>(host_.executor());
    exit_published_ = false;
    CASTRA_CHECK(step(VmStep::adopted));
    if (record_.phase == "launched") { // nobody saw whether it became ready
        record_.phase = "adopted";
        (void)save_record(layout_, record_); // without it the next castra concludes the same; the VM is watched anyhow
    }
    asio::co_spawn(host_.executor(), watch(shared_from_this()), asio::detached);
    asio::co_spawn(host_.executor(), reconnect(shared_from_this()), asio::detached);
    return {};
}

void Machine::take_remains(const Error& why) {
    damage_ = why.text;
    record_ = {};
    record_.name = name_;
    (void)step(VmStep::failed);
}

// Takes up the guest's output again.
Task<> Machine::reconnect(std::shared_ptr<Machine> self) {
    (void)co_await self->connect_logs(false);
}

Task<> Machine::watch(std::shared_ptr<Machine> self) {
    self->exit_status_ = co_await self->process_->wait();
    self->exited_->open();
    const bool lost = self->state_ == VmState::ready || self->state_ == VmState::running;
    if (lost) self->on_lost_(*self);
}

void Machine::report_lost(EventBus& bus) {
    const bool was_asked = record_.phase == "stopping"; // by a castra that was killed
    (void)step(VmStep::exited);
    publish_exit(bus, was_asked, was_asked ? "shutdown" : "running");
}

void Machine::note_restart(std::int64_t unix_us, std::int64_t attempt) {
    record_.restart_unix_us = unix_us;
    record_.restart_attempt = attempt;
    (void)save_record(layout_, record_); // without it status does not tell; nothing else suffers
}

std::string Machine::output_tail() const {
    auto text = files::tail_of(process_log(), SerialLog::tail_bytes_max);
    if (serial_ && !serial_->tail().empty())
        text += (text.empty() || text.back() == '\n' ? "" : "\n") + serial_->tail();
    return contract::clean_text(text, SerialLog::tail_bytes_max, false);
}

void Machine::publish_exit(EventBus& bus, bool expected, const std::string& phase) {
    if (exit_published_) return;
    exit_published_ = true;
    contract::VmExited event;
    if (exit_status_.exit_code) event.exit_code = *exit_status_.exit_code;
    event.signal = exit_status_.signal;
    event.expected = expected;
    const auto how = event.exit_code ? "exit code " + std::to_string(*event.exit_code)
                     : event.signal  ? *event.signal
                                     : std::string("exit status unknown");
    if (expected) return publish(bus, draft(event, name_ + " ended (" + how + ")"));
    event.capsule = contract::Capsule{phase, output_tail(), ""};
    if (launcher_) {
        sdk::ExitReport report;
        report.phase = phase;
        report.exit_code = event.exit_code;
        report.signal = event.signal;
        report.stderr_tail = event.capsule->serial_tail;
        try {
            report.vm = record_.spec.get<sdk::VmSpec>();
        } catch (const std::exception&) { // a damaged record costs the hint only
        }
        if (const auto explained = launcher_->explain_exit(report))
            event.capsule->hint = contract::clean_text(explained->hint, 1024, true);
    }
    const auto log =
        layout_.vm_dir(name_) / (files::exists(layout_.vm_dir(name_) / "serial.log") ? "serial.log" : "process.log");
    const auto cure =
        (event.capsule->hint.empty() ? "read " + log.string() : event.capsule->hint) + "; next: castra up " + name_;
    publish(bus, draft(event, name_ + " ended unexpectedly (" + how + ", phase " + phase + ")")
                     .at(Severity::error)
                     .because({"launch", name_ + " ended unexpectedly", how, true})
                     .cure(cure));
}

} // namespace castra
