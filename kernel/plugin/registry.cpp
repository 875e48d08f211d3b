// SPDX-License-Identifier: Apache-2.0
#include "plugin/registry.hpp"

#include "plugin/config_check.hpp"
#include "plugin/sha256.hpp"
#include "plugin/trust.hpp"

#include <algorithm>

namespace castra {
namespace {

bool is_in(const std::filesystem::path& file, const std::filesystem::path& dir) {
    std::error_code problem;
    const auto real = std::filesystem::canonical(dir, problem);
    return !problem && file.parent_path() == real;
}

} // namespace

PluginRegistry::PluginRegistry(HostServices& services, PluginPolicy policy, ContractVersion contract)
    : services_(services), policy_(std::move(policy)), contract_(contract) {}

Isolation PluginRegistry::isolation_of(const std::filesystem::path& file, const LoadOptions& options) const {
    if (policy_.isolates_all) return Isolation::process;
    if (options.isolation) return *options.isolation;
    const bool is_ours = policy_.host_program.empty() || is_in(file, policy_.first_party_dir);
    return is_ours ? Isolation::in_process : Isolation::process;
}

Result<const Plugin*> PluginRegistry::load(const std::filesystem::path& file, const LoadOptions& options) {
    const auto trusted = check_trust(file, options.sha256);
    if (!trusted) return Failure(trusted.error().within("plugin not trusted"));
    const auto& real = *trusted;
    const auto how = isolation_of(real, options);
    if (how == Isolation::process && policy_.host_program.empty())
        return fail(ErrorCode::plugin, real.string() + ": there is no castra-plugin-host to run it isolated",
                    "set isolation = \"in-process\"");
    if (how == Isolation::in_process)
        if (const auto refused = refused_.find(real); refused != refused_.end()) return Failure(refused->second.error);

    const PluginQuarantine quarantine(policy_.quarantine_dir);
    std::string sha256; // of the file; only when somebody asks
    if (how == Isolation::process || !quarantine.is_empty()) {
        CASTRA_TRY(digest, sha256_of_file(real));
        sha256 = std::move(digest);
    }
    if (const auto locked_up = quarantine.find(sha256))
        return fail(ErrorCode::plugin, real.string() + " is in quarantine: it " + locked_up->reason,
                    "rebuild it; or, if it was not its fault, remove " + quarantine.file_of(sha256).string());

    CASTRA_TRY(manifest, read_manifest(real));
    const auto known = plugins_.find(manifest.id);
    if (known != plugins_.end()) {
        const auto& plugin = known->second;
        if (plugin->file() != real)
            return fail(ErrorCode::plugin,
                        "two plugins have the id " + manifest.id + ": " + plugin->file().string() + " and " +
                            real.string(),
                        "name one of them in castra.toml, or remove one");
        const auto* isolated = dynamic_cast<const IsolatedPlugin*>(plugin.get());
        const bool was_rebuilt = isolated != nullptr && isolated->sha256() != sha256;
        if (plugin->isolation() == how && !was_rebuilt) return plugin.get();
    }
    const auto id = manifest.id;
    auto made = make(real, std::move(manifest), std::move(sha256), how);
    if (!made) return Failure(made.error());
    auto& entry = plugins_[id];
    if (entry) replaced_.push_back(std::move(entry));
    entry = std::move(*made);
    return entry.get();
}

Result<std::shared_ptr<Plugin>> PluginRegistry::make(const std::filesystem::path& file, Manifest manifest,
                                                     std::string sha256, Isolation how) {
    if (how == Isolation::process) {
        if (const auto fits = check_compatible(manifest, contract_, how); !fits)
            return Failure(fits.error().within("plugin " + manifest.id + " (" + file.string() + ")"));
        auto plugin = std::make_shared<IsolatedPlugin>(
            PluginOrigin{file, std::move(sha256), std::move(manifest), contract_}, policy_, services_);
        CASTRA_CHECK(plugin->load());
        return plugin;
    }
    auto library = std::make_shared<PluginLibrary>(file, std::move(manifest), services_);
    if (const auto loaded = library->load(contract_); !loaded) {
        refused_.emplace(file, Refused{loaded.error(), std::move(library)});
        return Failure(loaded.error());
    }
    return library;
}

const Plugin* PluginRegistry::find(std::string_view id) const {
    const auto found = plugins_.find(id);
    return found == plugins_.end() ? nullptr : found->second.get();
}

std::vector<const Manifest*> PluginRegistry::manifests() const {
    std::vector<const Manifest*> all;
    for (const auto& [id, plugin] : plugins_)
        all.push_back(&plugin->manifest());
    return all;
}

Result<PluginInstance> PluginRegistry::create(std::string_view id, const std::string& kind,
                                              const nlohmann::json& config) const {
    const auto found = plugins_.find(id);
    if (found == plugins_.end()) return fail(ErrorCode::plugin, "plugin " + std::string(id) + " is not loaded");
    CASTRA_TRY(checked, check_plugin_config(found->second->manifest(), config));
    return PluginInstance::create(found->second, kind, checked);
}

void PluginRegistry::end_processes() const {
    const auto end = [](const std::shared_ptr<Plugin>& plugin) {
        if (const auto* isolated = dynamic_cast<const IsolatedPlugin*>(plugin.get())) isolated->end_all();
    };
    for (const auto& [id, plugin] : plugins_)
        end(plugin);
    std::ranges::for_each(replaced_, end);
}

} // namespace castra
