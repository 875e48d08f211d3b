// SPDX-License-Identifier: Apache-2.0
#include "plugin/registry.hpp"

#include "plugin/config_check.hpp"
#include "plugin/trust.hpp"

namespace castra {

PluginRegistry::PluginRegistry(HostServices& services, ContractVersion contract)
    : services_(services), contract_(contract) {}

Result<const PluginLibrary*> PluginRegistry::load(const std::filesystem::path& file,
                                                  const std::optional<std::string>& sha256) {
    const auto trusted = check_trust(file, sha256);
    if (!trusted) return Failure(trusted.error().within("plugin not trusted"));
    const auto& real = *trusted;
    if (const auto refused = refused_.find(real); refused != refused_.end()) return Failure(refused->second.error);

    CASTRA_TRY(manifest, read_manifest(real));
    if (const auto* known = find(manifest.id)) {
        if (known->file() == real) return known;
        return fail(ErrorCode::plugin,
                    "two plugins have the id " + manifest.id + ": " + known->file().string() + " and " + real.string(),
                    "name one of them in castra.toml, or remove one");
    }
    auto library = std::make_unique<PluginLibrary>(real, std::move(manifest), services_);
    if (const auto loaded = library->load(contract_); !loaded) {
        refused_.emplace(real, Refused{loaded.error(), std::move(library)});
        return Failure(loaded.error());
    }
    auto id = library->manifest().id;
    return libraries_.emplace(std::move(id), std::move(library)).first->second.get();
}

const PluginLibrary* PluginRegistry::find(std::string_view id) const {
    const auto found = libraries_.find(id);
    return found == libraries_.end() ? nullptr : found->second.get();
}

std::vector<const Manifest*> PluginRegistry::manifests() const {
    std::vector<const Manifest*> all;
    for (const auto& [id, library] : libraries_)
        all.push_back(&library->manifest());
    return all;
}

Result<PluginInstance> PluginRegistry::create(std::string_view id, const std::string& kind,
                                              const nlohmann::json& config) const {
    const auto* library = find(id);
    if (library == nullptr) return fail(ErrorCode::plugin, "plugin " + std::string(id) + " is not loaded");
    CASTRA_TRY(checked, check_plugin_config(library->manifest(), config));
    return PluginInstance::create(*library, kind, checked);
}

} // namespace castra
