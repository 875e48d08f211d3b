// SPDX-License-Identifier: Apache-2.0
#include "operations/plugin_options.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "plugin/config_check.hpp"

#include <algorithm>
#include <set>

namespace castra {
namespace {

using nlohmann::json;

// "/retry/0/count" below "reporters[1].config" -> "reporters[1].config.retry[0].count"
std::string key_of(std::string key, std::string_view pointer) {
    while (!pointer.empty()) {
        pointer.remove_prefix(1);
        const auto part = pointer.substr(0, pointer.find('/'));
        const bool is_index = !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
        key += is_index ? "[" + std::string(part) + "]" : "." + std::string(part);
        pointer.remove_prefix(part.size());
    }
    return key;
}

// A table of the file that is handed to a plugin, perhaps over another one.
struct Given {
    std::string key; // "reporters[0].config"
    const Positions* positions;
    Position around; // of what names the plugin; there is no table at all perhaps
};

class Check {
public:
    Check(const Installation& installation, const ProjectConfig& config)
        : installation_(installation), config_(config) {}

    void launchers() {
        for (const auto& vm : config_.vms) {
            if (!checked_.insert(vm.launcher).second) continue;
            const auto found = manifest_of(vm.launcher, {CASTRA_LAUNCHER_V1});
            if (!found.manifest) continue;
            if (found.entry != nullptr)
                compare(*found.manifest, found.entry->config, {given_by(*found.entry)});
            else
                compare(*found.manifest, json::object(), {{"vms." + vm.name, nullptr, {vm.line, vm.column}}});
        }
    }

    void reporters() {
        for (std::size_t i = 0; i < config_.reporters.size(); ++i) {
            const auto& reporter = config_.reporters[i];
            laid_over(
                reporter.plugin, CASTRA_REPORTER_V1, reporter.config,
                {"reporters[" + std::to_string(i) + "].config", &reporter.config_at, {reporter.line, reporter.column}});
        }
    }

    // What [bootstrap] says for all VMs is told once.
    void steps() {
        for (const auto& vm : config_.vms)
            for (std::size_t i = 0; i < vm.bootstrap.steps.size(); ++i) {
                const auto& step = vm.bootstrap.steps[i];
                laid_over(step.plugin.empty() ? "step-" + step.name : step.plugin, CASTRA_BOOTSTRAP_STEP_V1,
                          step.config,
                          {"bootstrap.steps[" + std::to_string(i) + "].config", &step.config_at, {vm.line, vm.column}});
            }
    }

    // Those that nothing above uses, by whatever kind they are. What is missing may come from elsewhere: [broker], say.
    void others() {
        for (const auto& entry : config_.plugins) {
            if (!checked_.insert(entry.name).second) continue;
            const auto found = manifest_of(entry.name, {CASTRA_BOOTSTRAP_STEP_V1, CASTRA_BROKER_LAUNCHER_V1,
                                                        CASTRA_REPORTER_V1, CASTRA_LAUNCHER_V1});
            if (found.manifest) compare(*found.manifest, entry.config, {given_by(entry)}, false);
        }
    }

    ConfigErrors take() { return std::move(findings_); }

private:
    struct Found {
        std::optional<Manifest> manifest;
        const PluginConfig* entry = nullptr;
    };

    Found manifest_of(const std::string& name, const std::vector<std::string>& kinds) {
        Found found;
        for (const auto& kind : kinds) {
            const auto lookup = look_up_plugin(installation_, &config_, name, kind);
            found.entry = lookup.entry;
            const auto file = find_plugin(lookup.query);
            if (!file) continue;
            if (auto manifest = read_manifest(*file)) found.manifest = std::move(*manifest);
            break;
        }
        return found;
    }

    // `config` over that of its entry in [plugins], as it is when the plugin is made.
    void laid_over(const std::string& name, const char* kind, const json& config, Given given) {
        checked_.insert(name);
        const auto found = manifest_of(name, {kind});
        if (!found.manifest) return;
        std::vector<Given> all{std::move(given)};
        auto whole = json::object();
        if (found.entry != nullptr) {
            whole = found.entry->config;
            all.push_back(given_by(*found.entry));
        }
        whole.update(config, true);
        compare(*found.manifest, whole, all);
    }

    static Given given_by(const PluginConfig& entry) {
        return {"plugins." + entry.name + ".config", &entry.config_at, {entry.line, entry.column}};
    }

    // `given`: whose values the config has, the uppermost first.
    void compare(const Manifest& manifest, const json& config, const std::vector<Given>& given,
                 bool is_complete = true) {
        const auto problems = find_config_problems(manifest, config);
        if (!problems) {
            findings_.push_back({config_.path, 0, 0, given.front().key, problems.error().text, problems.error().hint});
            return;
        }
        for (const auto& problem : *problems) {
            if (!is_complete && problem.is_missing) continue;
            const auto* from = &given.front();
            for (const auto& one : given)
                if (one.positions != nullptr && one.positions->contains(problem.pointer)) {
                    from = &one;
                    break;
                }
            auto at = from->positions != nullptr ? nearest_position(*from->positions, problem.pointer) : Position{};
            if (at.line == 0) at = from->around;
            ConfigError error{config_.path, at.line,     at.column, key_of(from->key, problem.pointer),
                              problem.text, problem.hint};
            if (std::ranges::find(findings_, error) == findings_.end()) findings_.push_back(std::move(error));
        }
    }

    const Installation& installation_;
    const ProjectConfig& config_;
    ConfigErrors findings_;
    std::set<std::string> checked_;
};

} // namespace

PluginLookup look_up_plugin(const Installation& installation, const ProjectConfig* config, const std::string& name,
                            const std::string& kind) {
    PluginLookup lookup;
    lookup.query.name = name;
    if (name.find('/') != name.npos) lookup.query.explicit_path = std::filesystem::absolute(name);
    lookup.query.kind_prefix = kind_prefix_of(kind);
    lookup.query.install_dir = installation.plugin_dir;
    if (config == nullptr) return lookup;
    for (const auto& dir : config->plugin_search)
        lookup.query.search_dirs.emplace_back(dir);
    const auto entry = std::ranges::find(config->plugins, name, &PluginConfig::name);
    if (entry != config->plugins.end()) {
        lookup.entry = &*entry;
        lookup.query.explicit_path = entry->path;
    }
    return lookup;
}

ConfigErrors plugin_option_errors(const Installation& installation, const ProjectConfig& config) {
    Check check(installation, config);
    check.launchers();
    check.reporters();
    check.steps();
    check.others();
    return check.take();
}

std::vector<Error> check_plugin_options(const Installation& installation, const ProjectConfig& config) {
    std::vector<Error> errors;
    for (auto& one : plugin_option_errors(installation, config)) {
        auto hint = std::exchange(one.hint, {});
        errors.push_back({ErrorCode::config_invalid, to_string(one), std::move(hint)});
    }
    return errors;
}

VmOptionPlaces::VmOptionPlaces(const ProjectConfig* config) {
    if (config == nullptr) return;
    file_ = config->path;
    for (const auto& vm : config->vms)
        places_[vm.name] = {vm.options_at, {vm.line, vm.column}};
}

Error VmOptionPlaces::at(const std::string& vm, const std::string& field, Error error) const {
    constexpr std::string_view options = "/vm/options";
    const auto found = places_.find(vm);
    if (!field.starts_with(options) || found == places_.end()) return error;
    const auto pointer = field.substr(options.size());
    auto at = nearest_position(found->second.options, pointer);
    if (at.line == 0) at = found->second.vm;
    return {error.code,
            to_string({file_, at.line, at.column, key_of("vms." + vm + ".options", pointer), error.text, ""}),
            error.hint};
}

} // namespace castra
