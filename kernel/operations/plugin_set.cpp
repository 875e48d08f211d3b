// SPDX-License-Identifier: Apache-2.0
#include "operations/plugin_set.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "operations/plugin_options.hpp"
#include "operations/reporter_sink.hpp"

#include <algorithm>

namespace castra {
namespace {

class PluginLauncher final : public LauncherClient {
public:
    PluginLauncher(PluginInstance instance, const ProjectConfig* config)
        : instance_(std::move(instance)), places_(config) {}
    std::string id() const override { return instance_.plugin(); }
    Result<sdk::Requirements> requirements(const sdk::VmSpec& vm) override {
        auto needs = ask<sdk::Requirements>(CASTRA_LAUNCHER_REQUIREMENTS, sdk::RequirementsRequest{vm});
        if (!needs) needs.error() = places_.at(vm.name, instance_.refused_field(), needs.error());
        return needs;
    }
    Result<sdk::LaunchPlan> plan(const sdk::PlanRequest& request) override {
        return ask<sdk::LaunchPlan>(CASTRA_LAUNCHER_PLAN, request);
    }
    Result<sdk::ExitExplanation> explain_exit(const sdk::ExitReport& report) override {
        return ask<sdk::ExitExplanation>(CASTRA_LAUNCHER_EXPLAIN_EXIT, report);
    }

private:
    template <class Answer, class Question>
    Result<Answer> ask(std::uint32_t slot, const Question& question) {
        CASTRA_TRY(reply, instance_.call(slot, nlohmann::json(question)));
        try {
            return reply.template get<Answer>();
        } catch (const std::exception& error) {
            return fail(ErrorCode::plugin,
                        "plugin " + id() + " answered something that does not fit its interface: " + error.what(),
                        "this is a bug of the plugin");
        }
    }
    PluginInstance instance_;
    VmOptionPlaces places_;
};

} // namespace

PluginSet::PluginSet(const Installation& installation, PluginRegistry& registry, const ProjectConfig* config)
    : installation_(installation), registry_(registry), config_(config) {}

Result<PluginSet::Found> PluginSet::load(const std::string& name, const std::string& kind) {
    Found found{"", nlohmann::json::object(), {}};
    LoadOptions options;
    const auto lookup = look_up_plugin(installation_, config_, name, kind);
    if (const auto* entry = lookup.entry; entry != nullptr) {
        found.config = entry->config;
        if (!entry->sha256.empty()) options.sha256 = entry->sha256;
        if (!entry->isolation.empty())
            options.isolation = entry->isolation == "process" ? Isolation::process : Isolation::in_process;
    }
    CASTRA_TRY(file, find_plugin(lookup.query));
    CASTRA_TRY(library, registry_.load(file, options));
    if (!library->manifest().provides(kind))
        return fail(ErrorCode::plugin,
                    "plugin " + library->manifest().id + " (" + file.string() + ") does not provide " + kind);
    found.id = library->manifest().id;
    found.config_schema = library->manifest().config_schema;
    return found;
}

Result<std::shared_ptr<LauncherClient>> PluginSet::launcher(const std::string& name) {
    if (const auto found = launchers_.find(name); found != launchers_.end()) return found->second;
    auto loaded = load(name, CASTRA_LAUNCHER_V1);
    if (!loaded) return Failure(loaded.error().within("launcher \"" + name + "\""));
    auto instance = registry_.create(loaded->id, CASTRA_LAUNCHER_V1, loaded->config);
    if (!instance) return Failure(instance.error().within("launcher \"" + name + "\""));
    return launchers_[name] = std::make_shared<PluginLauncher>(std::move(*instance), config_);
}

Result<std::unique_ptr<Sink>> PluginSet::reporter(const ReporterWish& wish) {
    auto loaded = load(wish.name, CASTRA_REPORTER_V1);
    if (!loaded) return Failure(loaded.error().within("reporter \"" + wish.name + "\""));
    auto config = loaded->config;
    config.update(wish.config, true);
    auto instance = registry_.create(loaded->id, CASTRA_REPORTER_V1, config);
    if (!instance) return Failure(instance.error().within("reporter \"" + wish.name + "\""));
    auto sink = open_reporter(std::move(*instance), wish.open);
    if (!sink) return Failure(sink.error().within("reporter \"" + wish.name + "\""));
    return sink;
}

Result<PluginInstance> PluginSet::step(const std::string& plugin, const nlohmann::json& config) {
    auto loaded = load(plugin, CASTRA_BOOTSTRAP_STEP_V1);
    if (!loaded) return Failure(loaded.error().within("step plugin \"" + plugin + "\""));
    auto merged = loaded->config;
    merged.update(config, true);
    auto instance = registry_.create(loaded->id, CASTRA_BOOTSTRAP_STEP_V1, merged);
    if (!instance) return Failure(instance.error().within("step plugin \"" + plugin + "\""));
    return instance;
}

} // namespace castra
