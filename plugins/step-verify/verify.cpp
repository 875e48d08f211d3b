// SPDX-License-Identifier: Apache-2.0
// The step verify: verify_command must succeed, verify_path must exist; then the guest gets the stamp by which the next
// bootstrap knows that there is nothing to do.
#include "ssh/quoting.hpp"
#include "ssh/remote_job.hpp"

#include <castra/sdk/plugin.hpp>

namespace castra::step_verify {
namespace {

constexpr int path_missing = 71; // as the exit code of what is told to the guest

std::string leave_stamp(const sdk::Json& inputs) {
    const auto path = inputs.at("verify").value("path", "");
    std::string text;
    if (!path.empty())
        text = "if [ ! -e " + ssh::shell_word(path) + " ]; then rc=" + std::to_string(path_missing) + "; fi\n";
    return text +
           "if [ \"$rc\" = 0 ]; then\n"
           "{ [ -d .castra ] || mkdir -m 700 .castra; } && printf '%s\\n' " +
           ssh::shell_word(inputs.at("stamp").get<std::string>()) +
           " >.castra/stamp || rc=72\nfi"; // half of it is none
}

class Verify : public sdk::BootstrapStep {
public:
    sdk::StepPlan plan(const sdk::StepPlanRequest& request, const sdk::Call&) override {
        sdk::StepPlan plan;
        plan.hash = request.inputs.value("stamp", "");
        plan.reason = request.inputs.value("verify", sdk::Json::object()).empty() ? "leaves the stamp"
                                                                                  : "verifies, leaves the stamp";
        return plan;
    }

    sdk::StepOutcome apply(const sdk::StepRequest& request, const sdk::Call& call) override {
        const auto& inputs = request.inputs;
        const ssh::Session session(request.vm);
        const auto command = inputs.at("verify").value("command", "");
        const auto log_path = inputs.value("output_path", "");
        ssh::MaskedLog log(log_path, inputs.at("env"));
        const auto result = ssh::run_job(session, request, {command, leave_stamp(inputs)}, log, {}, call);
        if (auto early = ssh::ended_early(result.ending, "verify_command", log.tail())) return *early;
        if (!result.exit_code)
            return ssh::failed(
                ssh::cause_of(session, result.complaint,
                              {"connection_lost", "the connection to the guest was lost during verification",
                               log.tail(), "", "see the guest's serial log"})
                    .text);
        const bool is_silent = log.tail().find_first_not_of("\r\n") == std::string::npos;
        if (*result.exit_code == path_missing && is_silent)
            return ssh::failed({"verify_failed",
                                "verify_path " + inputs.at("verify").value("path", "") + " does not exist in the guest",
                                "", "", "the script ended well and did not make it; see " + log_path});
        if (*result.exit_code != 0)
            return ssh::failed(
                ssh::cause_of(session, log.tail().find("No space left") == std::string::npos ? "" : log.tail(),
                              {"verify_failed",
                               "verify_command ended with exit code " + std::to_string(*result.exit_code),
                               is_silent ? "it printed nothing" : "last output:\n" + log.tail(), "",
                               "the script ended well, and what it left is not what verify_command wants"})
                    .text);
        sdk::StepOutcome outcome;
        outcome.detail = inputs.at("verify").empty() ? "nothing to verify; stamp left" : "verified, stamp left";
        outcome.outputs = {{"stamp", inputs.value("stamp", "")}};
        return outcome;
    }

    // Without a round trip: connect has asked.
    sdk::StepOutcome verify(const sdk::StepRequest& request, const sdk::Call&) override {
        const auto& inputs = request.inputs;
        if (inputs.value("guest", sdk::Json::object()).value("stamp", "") == inputs.value("stamp", ""))
            return {sdk::StepStatus::success, std::nullopt};
        return {sdk::StepStatus::failed, "the guest does not have the stamp"};
    }
};

} // namespace
} // namespace castra::step_verify

CASTRA_PLUGIN(castra::step_verify::Verify);
