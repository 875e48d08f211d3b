// SPDX-License-Identifier: Apache-2.0
#include "operations/plugin_step.hpp"

#include "castra/abi/bootstrap_step.h"
#include "host/blocking_work.hpp"
#include "host/cancel_fd.hpp"

namespace castra {
namespace {

constexpr Milliseconds grace{5000}; // beyond its deadline, or after it was told to give up

// Never returns: the work decides when it is over, within `grace` of the cancellation.
Task<> tell_cancel(Host& host, Gate& cancel, std::shared_ptr<CancelFd> wake) {
    co_await cancel.wait();
    if (!cancel.is_open()) co_return;
    wake->raise();
    co_await host.sleep_for(grace);
}

class PluginStep final : public StepClient {
public:
    PluginStep(Host& host, PluginInstance instance)
        : host_(host), instance_(std::make_shared<PluginInstance>(std::move(instance))) {}

    Task<Result<sdk::StepPlan>> plan(sdk::StepPlanRequest request, StepCall limits) override {
        return ask<sdk::StepPlan>(CASTRA_BOOTSTRAP_STEP_PLAN, nlohmann::json(request), limits);
    }
    Task<Result<sdk::StepOutcome>> apply(sdk::StepRequest request, StepCall limits) override {
        return ask<sdk::StepOutcome>(CASTRA_BOOTSTRAP_STEP_APPLY, nlohmann::json(request), limits);
    }
    Task<Result<sdk::StepOutcome>> verify(sdk::StepRequest request, StepCall limits) override {
        return ask<sdk::StepOutcome>(CASTRA_BOOTSTRAP_STEP_VERIFY, nlohmann::json(request), limits);
    }

private:
    using Reply = Result<nlohmann::json>;

    template <class Answer>
    Task<Result<Answer>> ask(std::uint32_t slot, nlohmann::json question, StepCall limits) {
        auto reply = co_await call(slot, std::move(question), limits);
        if (!reply) co_return Failure(reply.error());
        try {
            co_return reply->template get<Answer>();
        } catch (const std::exception& error) {
            co_return fail(ErrorCode::plugin,
                           "its plugin answered something that does not fit its interface: " +
                               std::string(error.what()),
                           "this is a bug of the plugin");
        }
    }

    Task<Reply> call(std::uint32_t slot, nlohmann::json question, StepCall limits) {
        if (!instance_) co_return fail(ErrorCode::plugin, "its plugin did not return from an earlier call");
        if (limits.cancel.is_open()) co_return fail(ErrorCode::cancelled, "cancelled before it began");
        const auto wake = std::make_shared<CancelFd>();
        CallOptions options;
        options.deadline = std::chrono::steady_clock::now() + limits.deadline;
        options.cancel_fd = wake->get();
        std::function<Reply()> work = [instance = instance_, wake, slot, question = std::move(question), options] {
            return instance->call(slot, question, options);
        };
        const auto ended = co_await (run_blocking<Reply>(host_, std::move(work), limits.deadline + grace) ||
                                     tell_cancel(host_, limits.cancel, wake));
        if (const auto* reply = std::get_if<0>(&ended); reply && *reply) co_return std::move(**reply);
        const auto id = instance_->plugin();
        instance_.reset(); // the thread that is still in there keeps it
        co_return fail(limits.cancel.is_open() ? ErrorCode::cancelled : ErrorCode::timeout,
                       "plugin " + id + " did not return when its time was over",
                       "this is a bug of the plugin; isolation = \"process\" in [plugins." + id +
                           "] lets castra end it");
    }

    Host& host_;
    std::shared_ptr<PluginInstance> instance_;
};

} // namespace

std::shared_ptr<StepClient> make_plugin_step(Host& host, PluginInstance instance) {
    return std::make_shared<PluginStep>(host, std::move(instance));
}

} // namespace castra
