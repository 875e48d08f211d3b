// SPDX-License-Identifier: Apache-2.0
#include "bootstrap/bootstrap_plan.hpp"

#include "contract/text.hpp"

#include <algorithm>

namespace castra {
namespace {

using contract::BootstrapMode;
using contract::BootstrapTrigger;
using contract::PlannedAction;
using nlohmann::json;

constexpr Milliseconds plan_deadline{10'000}; // a plan only looks

BootstrapMode mode_of(const std::string& text) {
    return text == "always" ? BootstrapMode::always : text == "skip" ? BootstrapMode::skip : BootstrapMode::automatic;
}

std::optional<std::string> if_any(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

// Everything of the event that is known before a step was asked.
contract::BootstrapPlanned described(const BootstrapSubject& subject) {
    const auto& config = subject.config;
    contract::BootstrapPlanned event;
    event.mode = mode_of(config.mode);
    for (const auto& step : subject.steps)
        event.steps.push_back(step.name);
    event.script_path = if_any(config.script);
    event.payload_path = if_any(config.payload);
    event.remote_dir = config.remote_dir;
    event.metadata_path = if_any(config.metadata);
    if (config.handshake_timeout) event.handshake_timeout_secs = (config.handshake_timeout->count() + 999) / 1000;
    for (const auto& [name, value] : config.env)
        event.env_keys.push_back(name);
    if (!config.verify_command.empty() || !config.verify_path.empty())
        event.verify = contract::VerifyPlan{if_any(config.verify_command), if_any(config.verify_path),
                                            !config.verify_path.empty() && !config.verify_path.starts_with('/')};
    if (const auto& ssh = subject.vm.ssh) event.ssh = {ssh->user, ssh->host, ssh->port, ssh->identity, ssh->options};
    if (subject.artifact && subject.artifact->has_payload) event.payload_bytes = subject.artifact->payload_bytes;
    if (subject.artifact) event.artifact_hash = subject.artifact->artifact_hash;
    return event;
}

std::string stamp_of(const BootstrapSubject& subject, const Artifact& artifact) {
    std::vector<std::string> parts{subject.base_hash, artifact.artifact_hash, subject.config.remote_dir,
                                   subject.config.verify_command, subject.config.verify_path};
    for (const auto& step : subject.steps)
        parts.push_back(step.name);
    for (const auto& step : subject.config.steps)
        parts.push_back(step.name + " " + step.plugin + " " + step.config.dump());
    return hash_of(parts);
}

json inputs_of(const BootstrapPlan& plan) {
    const auto& config = plan.subject.config;
    json inputs{{"mode", config.mode},
                {"remote_dir", config.remote_dir},
                {"base_hash", plan.subject.base_hash},
                {"artifact_hash", plan.artifact.artifact_hash},
                {"content_hash", plan.artifact.content_hash},
                {"stamp", plan.stamp},
                {"env_keys", plan.event.env_keys},
                {"connect_timeout_ms", config.connect_timeout.count()},
                {"verify", json::object()}};
    if (!config.script.empty()) inputs["script"] = config.script;
    if (!config.payload.empty()) {
        inputs["payload"] = config.payload;
        inputs["payload_bytes"] = plan.artifact.payload_bytes;
    }
    if (!config.verify_command.empty()) inputs["verify"]["command"] = config.verify_command;
    if (!config.verify_path.empty()) inputs["verify"]["path"] = config.verify_path;
    if (config.handshake_timeout) inputs["handshake_timeout_ms"] = config.handshake_timeout->count();
    if (!config.handshake_identity.empty()) inputs["handshake_identity"] = config.handshake_identity;
    return inputs;
}

std::string joined(const std::vector<std::string>& texts, const char* between) {
    std::string out;
    for (const auto& text : texts)
        out += (out.empty() ? "" : between) + text;
    return out;
}

// Marks what an earlier run of this incarnation did and nothing has changed since: a beginning of the list.
// Returns the first step that has to run; empty: none.
std::string mark_done(BootstrapPlan& plan) {
    if (!plan.before || plan.event.mode == BootstrapMode::always)
        return plan.steps.empty() ? "" : plan.steps[0].spec.name;
    const auto& done = plan.before->steps;
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        auto& step = plan.steps[i];
        const auto hash = step.plan.hash.value_or("");
        if (i >= done.size() || done[i].name != step.spec.name || done[i].hash != hash || !done[i].is_done)
            return step.spec.name;
        step.may_skip = !hash.empty(); // a step without a hash runs every time
    }
    return {};
}

std::string what_changed(const BootstrapPlan& plan) {
    const auto& before = *plan.before;
    std::vector<std::string> changed;
    if (before.script_hash != plan.artifact.script_hash) changed.emplace_back("the script");
    if (before.payload_hash != plan.artifact.payload_hash) changed.emplace_back("the payload");
    if (before.env_hash != plan.artifact.env_hash) changed.emplace_back("the environment");
    if (changed.empty()) changed.emplace_back("the configuration");
    return joined(changed, " and ") + " changed since run " + before.run_id;
}

// What follows from mode, record and plans.
void conclude(BootstrapPlan& plan) {
    auto& event = plan.event;
    const auto first = mark_done(plan);
    event.action = PlannedAction::would_run;
    if (event.mode == BootstrapMode::always) {
        event.trigger = BootstrapTrigger::always;
        event.reason = "mode is always";
        return;
    }
    event.trigger = BootstrapTrigger::automatic;
    if (!plan.before) {
        event.reason =
            plan.subject.incarnation.empty() ? "a fresh VM is bootstrapped" : "never bootstrapped since its launch";
    } else if (plan.before->stamp != plan.stamp) {
        event.reason = what_changed(plan);
    } else if (plan.before->is_complete && first.empty()) {
        event.action = PlannedAction::would_skip;
        event.trigger.reset();
        event.reason = "unchanged since run " + plan.before->run_id + "; the guest is asked to confirm it";
    } else {
        event.reason = "continues at step " + first + ", where run " + plan.before->run_id + " ended";
    }
}

void refuse(BootstrapPlan& plan, std::string reason) {
    plan.event.action = PlannedAction::error;
    plan.event.trigger.reset();
    plan.event.reason = contract::clean_text(reason, 2048, true);
}

Task<bool> ask_steps(BootstrapPlan& plan, Gate& cancel) {
    std::vector<std::string> problems;
    for (auto& spec : plan.subject.steps) {
        auto inputs = plan.inputs;
        inputs["step"] = spec.name;
        sdk::StepPlanRequest request{plan.subject.vm, std::move(inputs)};
        const StepCall limits{plan_deadline, cancel};
        auto answer = co_await spec.client->plan(std::move(request), limits);
        if (!answer) {
            problems.push_back("step " + spec.name + ": " + answer.error().text);
            continue;
        }
        for (const auto& warning : answer->warnings)
            plan.event.warnings.push_back(contract::clean_text(spec.name + ": " + warning, 1024, true));
        if (answer->action == sdk::StepAction::error) problems.push_back("step " + spec.name + ": " + answer->reason);
        plan.steps.push_back({spec, std::move(*answer), false});
    }
    if (problems.empty()) co_return true;
    refuse(plan, joined(problems, "; "));
    co_return false;
}

} // namespace

bool has_bootstrap(const BootstrapConfig& config) {
    return !config.script.empty() || !config.payload.empty() || !config.verify_command.empty() ||
           !config.verify_path.empty() || !config.steps.empty();
}

Task<BootstrapPlan> plan_bootstrap(BootstrapSubject subject, const Layout& layout, Gate& cancel) {
    BootstrapPlan plan{std::move(subject), {}, {}, {}, {}, {}, {}};
    plan.event = described(plan.subject);
    if (plan.event.mode == BootstrapMode::skip) {
        plan.event.action = PlannedAction::would_skip;
        plan.event.reason = "mode is skip";
        co_return plan;
    }
    if (!has_bootstrap(plan.subject.config)) {
        plan.event.action = PlannedAction::would_skip;
        plan.event.reason = "no script, no payload, nothing to verify";
        co_return plan;
    }
    auto missing = plan.subject.missing;
    if (!plan.subject.artifact) missing.insert(missing.begin(), plan.subject.artifact.error().text);
    if (!missing.empty()) {
        refuse(plan, joined(missing, "; "));
        co_return plan;
    }
    plan.artifact = *plan.subject.artifact;
    plan.stamp = stamp_of(plan.subject, plan.artifact);
    plan.inputs = inputs_of(plan);
    plan.before = load_bootstrap_record(layout, plan.subject.vm.name, plan.subject.incarnation);
    const bool fine = co_await ask_steps(plan, cancel);
    if (fine) conclude(plan);
    co_return plan;
}

std::string to_message(const std::string& vm, const contract::BootstrapPlanned& planned) {
    const auto* what = planned.action == PlannedAction::would_run    ? "would run: "
                       : planned.action == PlannedAction::would_skip ? "would do nothing: "
                                                                     : "cannot run: ";
    return contract::clean_text(vm + ": bootstrap " + what + planned.reason, 2048, true);
}

} // namespace castra
