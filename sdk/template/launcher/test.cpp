// What this plugin promises, tried through the real border; castra does not run.
#include <castra/testkit/check.hpp>
#include <castra/testkit/plugin_under_test.hpp>
#include <castra/testkit/samples.hpp>

using namespace castra::testkit;
using castra::sdk::Refusal;

int main() {
    static HostDouble host;
    const PluginUnderTest plugin(CASTRA_PLUGIN_FILE, host);
    auto request = sample_plan_request("/tmp");

    const auto launcher = plugin.launcher({{"nice", true}});
    CASTRA_CHECK_THAT(throws<Refusal>([&] { launcher.plan(request); },
                                      [](const Refusal& refusal) { return !refusal.text().hint.empty(); }));
    request.vm.options["command"] = {"/bin/sleep", "1000"};
    const auto plan = launcher.plan(request);
    CASTRA_CHECK_THAT(plan.argv == std::vector<std::string>{"nice", "/bin/sleep", "1000"});
    CASTRA_CHECK_THAT(plan.env.at("CASTRA_VM") == "web-0");
    CASTRA_CHECK_THAT(!launcher.explain_exit({.vm = request.vm, .phase = "boot", .exit_code = 127}).hint.empty());
    return result();
}
