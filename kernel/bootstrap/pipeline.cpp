// SPDX-License-Identifier: Apache-2.0
#include "bootstrap/pipeline.hpp"

#include "contract/text.hpp"

#include <array>

namespace castra {

using contract::draft;
using contract::ErrorField;
using contract::PlannedAction;
using nlohmann::json;

namespace {

constexpr Milliseconds handshake_wait{120'000}; // when nobody says otherwise
constexpr Milliseconds verify_deadline{60'000};
constexpr std::string_view handshake_step = "wait-handshake";

std::string clean(const std::string& text, std::size_t bytes_max = 2048) {
    return contract::clean_text(text, bytes_max, false);
}

void fail_event(contract::Draft& event, ErrorField error, const std::string& cure) {
    event.envelope.severity = contract::Severity::error;
    event.envelope.error = std::move(error);
    if (!cure.empty()) event.envelope.remediation = cure;
}

// What ends a step early: the run is cancelled, or its guest has gone.
Task<> open_either(std::shared_ptr<Gate> stop, Gate& cancel, Gate& gone) {
    co_await (cancel.wait() || gone.wait() || stop->wait());
    if (stop->is_open()) co_return; // the bootstrap has ended: the others may be gone
    if (cancel.is_open() || gone.is_open()) stop->open();
}

} // namespace

std::string_view to_string(BootstrapEnd end) {
    constexpr std::array<std::string_view, 5> names{"skipped", "success", "noop", "failed", "cancelled"};
    return names[static_cast<std::size_t>(end)];
}

struct Pipeline::Work {
    EventBus& bus;
    BootstrapPlan plan;
    Gate& cancel;
    Gate& gone;
    std::shared_ptr<Gate> stop; // of the step under way
    RunLog log;
    BootstrapRecord record;
    json inputs;
    std::int64_t began_us = 0;
    std::string at;         // the step under way
    bool has_run = false;   // a step with a hash did something
    bool said_noop = false; // ... and found nothing to do
    std::string remediation;

    const std::string& vm() const { return plan.subject.vm.name; }
};

Task<BootstrapResult> Pipeline::run(EventBus& bus, BootstrapPlan plan, Gate& cancel, Gate& gone) {
    const auto vm = plan.subject.vm.name;
    auto planned = draft(plan.event, to_message(vm, plan.event)).on(vm);
    if (plan.event.action == PlannedAction::error)
        fail_event(planned, {"bootstrap_plan", vm + " cannot be bootstrapped", clean(plan.event.reason), true},
                   "correct it, then castra bootstrap " + vm);
    bus.publish(std::move(planned));
    if (plan.event.action == PlannedAction::error)
        co_return BootstrapResult{BootstrapEnd::failed, Error{ErrorCode::preflight, plan.event.reason, ""}};
    if (plan.steps.empty()) co_return BootstrapResult{};
    if (cancel.is_open() || gone.is_open())
        co_return BootstrapResult{BootstrapEnd::cancelled,
                                  Error{ErrorCode::cancelled, "cancelled before the bootstrap of " + vm, ""}};

    const auto executor = co_await asio::this_coro::executor;
    RunLog log(layout_, vm, bus.identity().run_id);
    Work work{bus, std::move(plan), cancel, gone, std::make_shared<Gate>(executor), std::move(log), {}, {}, 0,
              {},  false,           false,  {}};
    asio::co_spawn(executor, open_either(work.stop, cancel, gone), asio::detached);
    struct End { // open_either ends with the bootstrap: `gone` may not outlive it
        Gate& stop;
        ~End() { stop.open(); }
    } end{*work.stop};
    work.began_us = clock_.monotonic_us();
    work.inputs = work.plan.inputs;
    work.inputs["run_id"] = bus.identity().run_id;
    work.inputs["output_path"] = work.log.output().string();
    work.inputs["guest"] = json::object();
    work.inputs["env"] = json::object();
    for (const auto& [name, value] : work.plan.subject.config.env)
        work.inputs["env"][name] = value.reveal();
    work.record = {
        work.plan.subject.incarnation,   bus.identity().run_id,       work.plan.stamp, work.plan.artifact.script_hash,
        work.plan.artifact.payload_hash, work.plan.artifact.env_hash, false,           {}};

    contract::BootstrapStarted started;
    started.base_hash = work.plan.subject.base_hash;
    started.artifact_hash = work.plan.artifact.artifact_hash;
    started.trigger = work.plan.event.trigger.value_or(contract::BootstrapTrigger::automatic);
    bus.publish(draft(started, vm + ": bootstrap begins").on(vm));
    const auto logged = work.log.begin({{"vm", vm},
                                        {"project", work.plan.subject.vm.project},
                                        {"run_id", bus.identity().run_id},
                                        {"incarnation", work.plan.subject.incarnation},
                                        {"base_hash", started.base_hash},
                                        {"artifact_hash", started.artifact_hash},
                                        {"stamp", work.plan.stamp},
                                        {"env_keys", work.plan.event.env_keys}});
    if (!logged)
        co_return fail_with(work, {"io", "the log of the bootstrap cannot be written", logged.error().text, true});

    auto failed = co_await run_steps(work);
    if (failed) co_return fail_with(work, std::move(*failed));
    const auto took = (clock_.monotonic_us() - work.began_us) / 1000;
    const bool is_noop = !work.has_run || work.said_noop;
    work.record.is_complete = true;
    auto kept = save_bootstrap_record(layout_, vm, work.record);
    if (kept) kept = work.log.end(is_noop ? "noop" : "success", took, {});
    if (!kept) bus.publish(contract::message(contract::Severity::warn, clean(kept.error().text), "io").on(vm));
    contract::BootstrapCompleted completed;
    completed.status = is_noop ? contract::BootstrapStatus::noop : contract::BootstrapStatus::success;
    completed.stamp = work.plan.stamp;
    completed.log_path = work.log.output().string();
    const auto text = is_noop ? ": nothing to do, found out in " : ": bootstrapped in ";
    bus.publish(draft(completed, vm + text + std::to_string(took) + " ms").on(vm).took(took));
    co_return BootstrapResult{is_noop ? BootstrapEnd::noop : BootstrapEnd::success, {}};
}

Task<std::optional<ErrorField>> Pipeline::run_steps(Work& work) {
    for (const auto& step : work.plan.steps) {
        work.at = step.spec.name;
        auto failed = co_await run_step(work, step);
        if (failed) co_return failed;
    }
    work.at.clear();
    co_return std::nullopt;
}

// Nothing before it ran again, nothing that decides it has changed, and it does not deny that it was done.
Task<bool> Pipeline::was_done(Work& work, const PlannedStep& step) {
    if (work.has_run || !step.may_skip) co_return false;
    sdk::StepRequest request{work.plan.subject.vm, work.inputs, step.plan};
    const StepCall limits{verify_deadline, *work.stop};
    const auto proof = co_await step.spec.client->verify(std::move(request), limits);
    co_return proof && proof->status != sdk::StepStatus::failed;
}

Task<Result<sdk::StepOutcome>> Pipeline::do_step(Work& work, const PlannedStep& step) {
    auto client = step.spec.client;
    sdk::StepRequest request{work.plan.subject.vm, work.inputs, step.plan};
    const StepCall limits{step.spec.timeout, *work.stop};
    auto outcome = co_await client->apply(std::move(request), limits);
    if (!outcome || outcome->status != sdk::StepStatus::success) co_return outcome;
    if (outcome->outputs.is_object()) work.inputs["guest"].update(outcome->outputs);
    sdk::StepRequest again{work.plan.subject.vm, work.inputs, step.plan};
    auto proof = co_await client->verify(std::move(again), limits);
    if (!proof || proof->status == sdk::StepStatus::failed) co_return proof;
    co_return outcome;
}

// The kernel hears guests, plugins do not: what it heard is an input of the step.
Task<> Pipeline::await_handshake(Work& work) {
    auto& inputs = work.inputs;
    if (!handshakes_ || !handshakes_->are_expected(work.vm())) {
        inputs["handshake"] = {{"state", "none"}};
        co_return;
    }
    const auto& config = work.plan.subject.config;
    const auto wait = config.handshake_timeout.value_or(handshake_wait);
    const auto begun = clock_.monotonic_us();
    const auto incarnation = work.plan.subject.incarnation;
    const auto heard = co_await handshakes_->wait(work.vm(), incarnation, config.handshake_identity, wait, *work.stop);
    inputs["handshake"] = {{"state", heard ? "granted" : std::string(castra::to_string(heard.error().code))},
                           {"waited_ms", (clock_.monotonic_us() - begun) / 1000}};
    if (heard) {
        inputs["handshake"]["session"] = heard->session;
        inputs["handshake"]["identity"] = heard->identity;
        inputs["handshake"]["capabilities"] = heard->capabilities;
    } else {
        inputs["handshake"]["detail"] = heard.error().text;
    }
}

Task<std::optional<ErrorField>> Pipeline::run_step(Work& work, const PlannedStep& step) {
    const auto begun = clock_.monotonic_us();
    work.inputs["step"] = step.spec.name;
    if (step.spec.name == handshake_step) co_await await_handshake(work);
    contract::BootstrapStep event;
    event.step = step.spec.name;
    std::optional<ErrorField> error;
    const bool done = co_await was_done(work, step);
    if (done) {
        event.status = contract::StepStatus::skipped;
        event.detail = "done by run " + work.plan.before->run_id + " and unchanged since";
    } else {
        const auto outcome = co_await do_step(work, step);
        if (!outcome) {
            error = ErrorField{std::string(castra::to_string(outcome.error().code)), step.spec.name + " failed",
                               clean(outcome.error().text), true};
            work.remediation = outcome.error().hint;
        } else if (outcome->status == sdk::StepStatus::failed) {
            const auto said =
                outcome->error.value_or(sdk::RefusalText{"step_failed", step.spec.name + " failed", "", "", ""});
            error = ErrorField{said.code, clean(said.title),
                               clean(said.detail.empty() ? outcome->detail.value_or("") : said.detail), true};
            work.remediation = said.hint;
        } else {
            event.status = outcome->status == sdk::StepStatus::skipped ? contract::StepStatus::skipped
                                                                       : contract::StepStatus::success;
            if (event.status == contract::StepStatus::success && step.plan.hash) {
                work.has_run = true;
                work.said_noop = work.said_noop || outcome->noop;
            }
        }
        if (outcome && outcome->detail) event.detail = clean(*outcome->detail, 1024);
    }
    if (error && work.gone.is_open()) {
        error = ErrorField{"guest_gone", "the guest ended during step " + step.spec.name, error->detail, true};
        work.remediation = "see the capsule of its vm.exited event, then castra up " + work.vm();
    } else if (error && work.cancel.is_open()) {
        error = ErrorField{"cancelled", "cancelled during step " + step.spec.name, error->detail, true};
        // A cancelled up takes down what it started.
        work.remediation = work.bus.identity().operation == "bootstrap"
                               ? "castra bootstrap " + work.vm() + " goes on from here"
                               : "castra up; or castra bootstrap " + work.vm() + " if it still runs";
    }
    if (error) {
        event.status = contract::StepStatus::failed;
        event.detail =
            clean(error->title + (error->detail && !error->detail->empty() ? ": " + *error->detail : ""), 1024);
    }
    const auto took = (clock_.monotonic_us() - begun) / 1000;
    const auto status =
        std::string(contract::EnumText<contract::StepStatus>::values[static_cast<std::size_t>(event.status)]);
    work.log.step(event.step, status, took, event.detail.value_or(""));
    work.record.steps.push_back({event.step, step.plan.hash.value_or(""), !error});
    // Kept after each step: whoever comes after a crash goes on from here.
    (void)save_bootstrap_record(layout_, work.vm(), work.record);
    auto told = draft(event, work.vm() + ": " + event.step + " " + status).on(work.vm()).took(took);
    if (error) fail_event(told, *error, clean(work.remediation, 1024));
    work.bus.publish(std::move(told));
    co_return error;
}

BootstrapResult Pipeline::fail_with(Work& work, ErrorField error) {
    const auto took = (clock_.monotonic_us() - work.began_us) / 1000;
    const bool is_cancelled = error.code == "cancelled";
    (void)work.log.end(is_cancelled ? "cancelled" : "failed", took,
                       {{"code", error.code},
                        {"step", work.at},
                        {"title", error.title},
                        {"detail", error.detail.value_or("")},
                        {"hint", work.remediation}});
    contract::BootstrapFailed failed;
    failed.step = work.at;
    failed.log_path = work.log.output().string();
    auto cure = work.remediation.empty() ? "read " + failed.log_path : work.remediation;
    const auto text = work.vm() + ": bootstrap failed at " + work.at + ": " + error.title;
    work.bus.publish(draft(failed, contract::clean_text(text, 2048, true))
                         .on(work.vm())
                         .took(took)
                         .because(error)
                         .cure(contract::clean_text(cure, 1024, true)));
    const auto code = is_cancelled ? ErrorCode::cancelled : ErrorCode::launch;
    return {is_cancelled ? BootstrapEnd::cancelled : BootstrapEnd::failed, Error{code, text, cure}};
}

} // namespace castra
