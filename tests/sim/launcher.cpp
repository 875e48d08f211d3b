// SPDX-License-Identifier: Apache-2.0
// The simulation's launcher, in place of every plugin: plans simulated guests, and may be dead. (The border to real
// plugins has tests of its own: tests/abi.)
#include "operations/plugin_set.hpp"
#include "world.hpp"

namespace castra {
namespace {

class SimLauncher final : public LauncherClient {
public:
    std::string id() const override { return "launcher-sim"; }

    Result<sdk::Requirements> requirements(const sdk::VmSpec& vm) override {
        CASTRA_CHECK(alive());
        sdk::Requirements needs;
        needs.programs = {{"sim-guest", ""}, {"sim-img", ""}};
        if (!vm.base_image.empty()) needs.files = {{vm.base_image, "base image", ""}};
        sdk::Probe probe;
        probe.id = "probe";
        probe.argv = {"sim-probe", "{dir}"};
        needs.probes.push_back(probe);
        return needs;
    }

    Result<sdk::LaunchPlan> plan(const sdk::PlanRequest& request) override {
        CASTRA_CHECK(alive());
        const auto& vm = request.vm;
        sdk::LaunchPlan plan;
        const auto ready = vm.options.value("ready", "marker");
        plan.argv = {"sim-guest", vm.name, vm.project, vm.uuid, ready, "serial={fd:serial}", "control={fd:control}"};
        if (ready == "notify") plan.argv.emplace_back("notify={fd:notify}");
        plan.files = {{request.paths.state_dir + "/seed.json", "e30="}};
        if (!vm.base_image.empty()) {
            sdk::OverlayPlan overlay;
            overlay.path = request.paths.overlay;
            overlay.base_image = vm.base_image;
            overlay.argv = {"sim-img", "create", overlay.path, vm.base_image};
            plan.overlays = {overlay};
        }
        plan.sockets = {{"serial", request.paths.runtime_dir + "/serial", request.paths.state_dir + "/serial.log"},
                        {"control", request.paths.runtime_dir + "/control", ""}};
        plan.readiness = {ready, "serial", "CASTRA-READY", 60000};
        const auto hello = "HELLO " + vm.uuid;
        if (vm.options.value("stop", true)) plan.stop = {{"acpi", "control", {{"", hello}, {"POWERDOWN", "OK"}}}};
        plan.identity = sdk::IdentityCheck{"control", {{"", hello}}};
        if (!request.probes.at("probe").ok) plan.warnings = {{"slow", "the probe failed", "nothing"}};
        return plan;
    }

    Result<sdk::ExitExplanation> explain_exit(const sdk::ExitReport&) override {
        CASTRA_CHECK(alive());
        return sdk::ExitExplanation{"look at it"};
    }

private:
    static Result<> alive() {
        if (sim::world->random.below(1000) < sim::world->faults.plugin)
            return fail(ErrorCode::plugin, "plugin launcher-sim ended: SIGSEGV", "it is not started again");
        return {};
    }
};

} // namespace

// PluginSet::launcher, as the linker gives it to those who call it.
namespace sim {
Result<std::shared_ptr<LauncherClient>> launcher_of(PluginSet* set, const std::string& name) asm(
    "__wrap__ZN6castra9PluginSet8launcherERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE");

Result<std::shared_ptr<LauncherClient>> launcher_of(PluginSet*, const std::string&) {
    return std::make_shared<SimLauncher>();
}
} // namespace sim

} // namespace castra
