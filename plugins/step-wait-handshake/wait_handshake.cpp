// SPDX-License-Identifier: Apache-2.0
// The step wait-handshake: judges what the kernel heard of the guest. It waits for nothing itself: the kernel did, up
// to handshake_timeout_secs, and hands over what came.
#include <castra/sdk/plugin.hpp>

namespace castra::step_wait_handshake {
namespace {

class WaitHandshake : public sdk::BootstrapStep {
public:
    sdk::StepPlan plan(const sdk::StepPlanRequest&, const sdk::Call&) override {
        sdk::StepPlan plan;
        plan.reason = "the guest says hello first";
        return plan; // no hash: every boot has its own handshake
    }

    sdk::StepOutcome apply(const sdk::StepRequest& request, const sdk::Call&) override {
        const auto heard = request.inputs.value("handshake", sdk::Json::object());
        const auto state = heard.value("state", "none");
        sdk::StepOutcome outcome;
        if (state == "none") {
            outcome.status = sdk::StepStatus::skipped;
            outcome.detail = "no broker hears guests here: vm.ready of this boot stands for the handshake";
        } else if (state == "granted") {
            outcome.detail = "session " + heard.value("session", "") + " after " +
                             std::to_string(heard.value("waited_ms", std::int64_t{0})) + " ms";
        } else {
            outcome.status = sdk::StepStatus::failed;
            outcome.error = sdk::RefusalText{
                state == "timeout" ? "handshake_timeout" : "handshake", "the guest did not say hello",
                heard.value("detail", state), "",
                "does the guest run castra's agent? raise handshake_timeout_secs if it only boots slowly"};
        }
        return outcome;
    }
};

} // namespace
} // namespace castra::step_wait_handshake

CASTRA_PLUGIN(castra::step_wait_handshake::WaitHandshake);
