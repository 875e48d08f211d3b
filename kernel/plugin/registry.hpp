// SPDX-License-Identifier: Apache-2.0
// PluginRegistry: the plugins of one kernel, by id. A plain object; nothing registers itself.
// Invariant: one file is loaded once, one id is one file, and a file that was refused is not tried again (its
// constructors would not run a second time, so that the second try would prove nothing).
// Thread: the kernel's. Owner: main; `services` outlives every instance. A second registry that loads the same file in
// the same process takes over what the first one's plugin logs and emits to.
#pragma once
#include "plugin/instance.hpp"
#include "plugin/library.hpp"

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace castra {

class PluginRegistry {
public:
    explicit PluginRegistry(HostServices& services, ContractVersion contract = {});

    // Checks trust, manifest, id, compatibility; then loads. `sha256`: a pin. The same file again answers the same
    // object.
    Result<const PluginLibrary*> load(const std::filesystem::path& file, const std::optional<std::string>& sha256 = {});
    const PluginLibrary* find(std::string_view id) const;
    // By id, in alphabetical order. Valid as long as the registry.
    std::vector<const Manifest*> manifests() const;

    // Checks `config`, fills in its defaults, makes an instance of a loaded plugin.
    Result<PluginInstance> create(std::string_view id, const std::string& kind, const nlohmann::json& config) const;

private:
    HostServices& services_;
    ContractVersion contract_;
    std::map<std::string, std::unique_ptr<PluginLibrary>, std::less<>> libraries_; // by id
    struct Refused {
        Error error;
        std::unique_ptr<PluginLibrary> library; // still mapped, and may have been told where its host table is
    };
    std::map<std::filesystem::path, Refused> refused_; // by real path
};

} // namespace castra
