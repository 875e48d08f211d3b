// SPDX-License-Identifier: Apache-2.0
// PluginSet::broker_launcher: the seam, filled by a plugin.
#include "operations/broker_launcher.hpp"

#include "castra/abi/broker_launcher.h"
#include "operations/plugin_set.hpp"

namespace castra {
namespace {

class PluginBrokerLauncher final : public BrokerLauncher {
public:
    explicit PluginBrokerLauncher(PluginInstance instance) : instance_(std::move(instance)) {}
    std::string id() const override { return instance_.plugin(); }
    Result<sdk::BrokerPlan> plan(const sdk::BrokerPlanRequest& request) override {
        CASTRA_TRY(reply, instance_.call(CASTRA_BROKER_LAUNCHER_PLAN, nlohmann::json(request)));
        try {
            return reply.get<sdk::BrokerPlan>();
        } catch (const std::exception& error) {
            return fail(ErrorCode::plugin,
                        "plugin " + id() + " answered something that does not fit its interface: " + error.what(),
                        "this is a bug of the plugin");
        }
    }

private:
    PluginInstance instance_;
};

} // namespace

Result<std::shared_ptr<BrokerLauncher>> PluginSet::broker_launcher() {
    if (!config_ || config_->broker.launcher.empty()) return std::shared_ptr<BrokerLauncher>();
    const auto doing = "[broker] launcher \"" + config_->broker.launcher + "\"";
    auto loaded = load(config_->broker.launcher, CASTRA_BROKER_LAUNCHER_V1);
    if (!loaded) return Failure(loaded.error().within(doing));
    auto& config = loaded->config;
    const auto knows_cli = loaded->config_schema.value("properties", nlohmann::json::object()).contains("cli");
    if (knows_cli && !config.contains("cli"))
        config["cli"] = config_->broker.cli.empty() ? installation_.program.string() : config_->broker.cli;
    auto instance = registry_.create(loaded->id, CASTRA_BROKER_LAUNCHER_V1, config);
    if (!instance) return Failure(instance.error().within(doing));
    return std::make_shared<PluginBrokerLauncher>(std::move(*instance));
}

} // namespace castra
