#include <castra/sdk/plugin.hpp>

#include <filesystem>
#include <fstream>

using namespace castra::sdk;

namespace {

class %CLASS% : public BootstrapStep {
public:
    explicit %CLASS%(const Json& config) : marker_(config.value("marker", "%ID%.done")) {}

    // No side effect. Equal hash: nothing to do.
    StepPlan plan(const StepPlanRequest& request, const Call&) override {
        StepPlan plan;
        const bool done = std::filesystem::exists(path(request.vm));
        plan.action = done ? StepAction::would_skip : StepAction::would_run;
        plan.reason = done ? "it ran before" : "it never ran";
        plan.hash = marker_ + request.inputs.dump();
        return plan;
    }

    StepOutcome apply(const StepRequest& request, const Call& call) override {
        call.throw_if_cancelled(); // before each longer piece of work
        std::ofstream file(path(request.vm));
        if (!(file << request.plan.hash.value_or("") << "\n"))
            throw Refusal({.code = "io", .title = "cannot write " + path(request.vm)});
        return {StepStatus::success, "wrote " + path(request.vm)};
    }

    StepOutcome verify(const StepRequest& request, const Call&) override {
        if (std::filesystem::exists(path(request.vm))) return {StepStatus::success, std::nullopt};
        return {StepStatus::failed, path(request.vm) + " is not there"};
    }

private:
    std::string path(const StepVm& vm) const { return vm.state_dir + "/" + marker_; }
    std::string marker_;
};

} // namespace

CASTRA_PLUGIN(%CLASS%);
