// SPDX-License-Identifier: Apache-2.0
// The step apply: runs the script in the guest and listens to what it says. Two lines of its stdout are words of a
// protocol: "Castra:noop" (nothing was to be done) and "Castra:error: TEXT" (it failed, and why).
#include "ssh/remote_job.hpp"

#include <castra/sdk/plugin.hpp>

namespace castra::step_apply {
namespace {

constexpr std::string_view noop_word = "Castra:noop";
constexpr std::string_view error_word = "Castra:error:";
constexpr std::size_t error_bytes_max = 1000;

struct Said {
    bool noop = false;
    std::optional<std::string> error;
};

void listen(Said& said, std::string_view line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
        line.remove_suffix(1);
    if (line == noop_word) said.noop = true;
    if (!line.starts_with(error_word)) return;
    line.remove_prefix(error_word.size());
    while (line.starts_with(' '))
        line.remove_prefix(1);
    said.error = std::string(line.substr(0, error_bytes_max));
}

// What an exit code of a shell usually means.
std::string hint_of(int exit_code, const std::string& log) {
    if (exit_code == 126) return "is remote_dir mounted noexec, or the script's interpreter no program?";
    if (exit_code == 127) return "a program is missing in the guest: the script's interpreter, or one that it calls";
    if (exit_code > 128) return "it was ended by signal " + std::to_string(exit_code - 128) + "; see " + log;
    return "correct the script, then castra bootstrap goes on here; its output is in " + log;
}

class Apply : public sdk::BootstrapStep {
public:
    sdk::StepPlan plan(const sdk::StepPlanRequest& request, const sdk::Call&) override {
        sdk::StepPlan plan;
        const auto& inputs = request.inputs;
        if (!inputs.contains("script")) {
            plan.action = sdk::StepAction::would_skip;
            plan.reason = "no script";
            return plan;
        }
        plan.hash = inputs.value("artifact_hash", "") + " " + inputs.value("remote_dir", "");
        plan.reason = "runs " + inputs.value("script", "");
        return plan;
    }

    sdk::StepOutcome apply(const sdk::StepRequest& request, const sdk::Call& call) override {
        const auto& inputs = request.inputs;
        if (!inputs.contains("script")) return {sdk::StepStatus::skipped, "no script"};
        const ssh::Session session(request.vm);
        const auto log_path = inputs.value("output_path", "");
        ssh::MaskedLog log(log_path, inputs.at("env"));
        Said said;
        const auto result = ssh::run_job(
            session, request, {"exec ./.castra/script", ""}, log, [&](std::string_view line) { listen(said, line); },
            call);
        if (said.error)
            return ssh::failed(
                {"script_error", "the script says: " + *said.error, log.tail(), "", "its output is in " + log_path});
        if (auto early = ssh::ended_early(result.ending, "the script", log.tail())) return *early;
        if (!result.exit_code)
            return ssh::failed(
                ssh::cause_of(session, result.complaint,
                              {"connection_lost", "the connection to the guest was lost while the script ran",
                               log.tail(), "", "see the guest's serial log"})
                    .text);
        if (*result.exit_code != 0) {
            auto text = sdk::RefusalText{
                "script_failed", "the script ended with exit code " + std::to_string(*result.exit_code),
                log.tail().empty() ? "" : "last output:\n" + log.tail(), "", hint_of(*result.exit_code, log_path)};
            return ssh::failed(ssh::cause_of(session,
                                             log.tail().find("No space left") == std::string::npos ? "" : log.tail(),
                                             std::move(text))
                                   .text);
        }
        sdk::StepOutcome outcome;
        outcome.noop = said.noop;
        outcome.detail = said.noop ? "the script found nothing to do" : "exit code 0";
        return outcome;
    }
};

} // namespace
} // namespace castra::step_apply

CASTRA_PLUGIN(castra::step_apply::Apply);
