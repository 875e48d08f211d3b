// SPDX-License-Identifier: Apache-2.0
// One .so, four kinds, each by the glue. What they do is chosen by the request, so that tests can see it come back.
#include "castra/sdk/plugin.hpp"

#include <thread>

namespace {

using namespace castra::sdk;

class EchoLauncher : public Launcher {
public:
    LaunchPlan plan(const PlanRequest& request) override {
        LaunchPlan plan;
        plan.argv = {"echo", request.vm.name, std::to_string(request.vm.port_forwards.size())};
        plan.env["MEMORY"] = std::to_string(request.vm.memory_bytes);
        plan.working_dir = request.paths.state_dir;
        return plan;
    }
};

class EchoBroker : public BrokerLauncher {
public:
    explicit EchoBroker(const Json& config) : greeting_(config.value("greeting", "")) {}
    BrokerPlan plan(const BrokerPlanRequest& request) override {
        BrokerPlan plan;
        plan.enabled = request.port != 0;
        plan.argv = {greeting_, request.project, std::to_string(request.port)};
        plan.sockets = {{.name = "control", .path = request.paths.runtime_dir + "/broker.sock", .log = ""}};
        return plan;
    }

private:
    std::string greeting_;
};

class SlowStep : public BootstrapStep {
public:
    StepPlan plan(const StepPlanRequest& request, const Call&) override {
        return {.action = request.inputs.empty() ? StepAction::would_skip : StepAction::would_run,
                .reason = request.vm.ssh ? "ssh to port " + std::to_string(request.vm.ssh->port) : "no ssh",
                .hash = "abc",
                .details = {{"kept", 7}}};
    }
    StepOutcome apply(const StepRequest& request, const Call& call) override {
        host().emit({.type = "x.good-all.half", .message = "half way", .vm = request.vm.name});
        while (request.inputs.value("wait", false)) {
            call.throw_if_cancelled();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return {StepStatus::success, "kept " + request.plan.details.dump()};
    }
};

// Its `open` does what the operation says.
class MoodyReporter : public Reporter {
public:
    explicit MoodyReporter(const Json& config) {
        if (config.value("port", 1) == 13)
            throw Refusal({.code = "unlucky", .title = "port 13 is unlucky", .field_path = "/port", .hint = "take 14"});
    }
    void open(const OpenRequest& request, const Call&) override {
        const auto& mood = request.operation;
        if (mood == "refuse")
            throw Refusal({.code = "no", .title = "will not", .detail = "today", .hint = "ask later"});
        if (mood == "invalid") throw std::invalid_argument("nonsense");
        if (mood == "json") parsed_ = Json::parse("{");
        if (mood == "runtime") throw std::runtime_error("broke");
        if (mood == "int") throw 42;
        if (mood == "not-utf8") throw Refusal({.code = "bytes", .title = "name \xff\xfe"});
        if (mood == "log") host().warn("was told to log \xff");
        if (mood == "time" && host().now().unix_us != 5) throw std::logic_error("wrong time");
        if (mood == "secret") host().info("the secret is " + host().secret(request.project));
        if (mood == "cancelled" && host().cancelled()) throw Cancelled();
    }
    void events(const EventBatch& batch, const Call&) override {
        for (const auto& event : batch.events)
            host().info(event.type + " " + event.vm.value_or("-"));
        if (batch.gap) host().info("gap of " + std::to_string(batch.gap->count));
    }

private:
    Json parsed_;
};

} // namespace

CASTRA_PLUGIN(EchoLauncher, EchoBroker, SlowStep, MoodyReporter);
