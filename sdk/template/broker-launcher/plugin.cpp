#include <castra/sdk/plugin.hpp>

using namespace castra::sdk;

namespace {

class %CLASS% : public BrokerLauncher {
public:
    explicit %CLASS%(const Json& config) : command_(config.value("command", std::vector<std::string>())) {}

    // Pure: same request, same plan. castra opens the sockets and starts the process.
    BrokerPlan plan(const BrokerPlanRequest& request) override {
        BrokerPlan plan;
        if (command_.empty()) return plan; // enabled is false: this project has no broker
        plan.enabled = true;
        plan.argv = command_;
        plan.env["CASTRA_PROJECT"] = request.project;
        return plan;
    }

private:
    std::vector<std::string> command_;
};

} // namespace

CASTRA_PLUGIN(%CLASS%);
