// What this plugin promises, tried through the real border; castra does not run.
#include <castra/testkit/check.hpp>
#include <castra/testkit/plugin_under_test.hpp>

using namespace castra::testkit;

int main() {
    static HostDouble host;
    const PluginUnderTest plugin(CASTRA_PLUGIN_FILE, host);
    const castra::sdk::BrokerPlanRequest request{.project = "sample", .paths = {"/tmp", "/tmp"}, .port = 0};

    CASTRA_CHECK_THAT(!plugin.broker_launcher().plan(request).enabled);
    const auto plan = plugin.broker_launcher({{"command", {"/usr/bin/my-broker", "--quiet"}}}).plan(request);
    CASTRA_CHECK_THAT(plan.enabled && plan.argv.size() == 2);
    CASTRA_CHECK_THAT(plan.env.at("CASTRA_PROJECT") == "sample");
    return result();
}
