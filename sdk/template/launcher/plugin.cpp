#include <castra/sdk/plugin.hpp>

using namespace castra::sdk;

namespace {

class %CLASS% : public Launcher {
public:
    explicit %CLASS%(const Json& config) : nice_(config.value("nice", false)) {}

    // Pure: same request, same plan. vm.options is the VM's own [vms.options] of castra.toml.
    LaunchPlan plan(const PlanRequest& request) override {
        LaunchPlan plan;
        if (nice_) plan.argv = {"nice"};
        const auto command = request.vm.options.value("command", std::vector<std::string>());
        if (command.empty())
            throw Refusal({.code = "no_command",
                           .title = "VM " + request.vm.name + " has no command",
                           .field_path = "/vm/options/command",
                           .hint = "set command = [\"/bin/sleep\", \"1000\"] in [vms.options]"});
        plan.argv.insert(plan.argv.end(), command.begin(), command.end());
        plan.env["CASTRA_VM"] = request.vm.name;
        plan.readiness.kind = "started"; // or marker, notify: see <castra/sdk/launch_plan.hpp>
        return plan;
    }

    // After an end that nobody had asked for: what a person should try.
    ExitExplanation explain_exit(const ExitReport& report) override {
        if (report.exit_code == 127) return {"is the program of `command` there?"};
        return {};
    }

private:
    bool nice_;
};

} // namespace

CASTRA_PLUGIN(%CLASS%);
