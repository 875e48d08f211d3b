// SPDX-License-Identifier: Apache-2.0
// PluginRegistry: the plugins of one kernel, by id. A plain object; nothing registers itself.
// Invariant: one file is loaded once, one id is one file, and a file that was refused in-process is not tried again
// (its constructors would not run a second time, so that the second try would prove nothing). A plugin that runs
// isolated and was rebuilt meanwhile is loaded anew. Thread: the kernel's. Owner: main; `services` outlives every
// instance. A second registry that loads the same file in the same process takes over what the first one's plugin logs
// and emits to.
#pragma once
#include "plugin/instance.hpp"
#include "plugin/isolated_plugin.hpp"
#include "plugin/library.hpp"
#include "plugin/quarantine.hpp"

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace castra {

struct LoadOptions {
    std::optional<std::string> sha256;  // a pin
    std::optional<Isolation> isolation; // absent: by where the file is
};

class PluginRegistry {
public:
    explicit PluginRegistry(HostServices& services, PluginPolicy policy = {}, ContractVersion contract = {});

    // Checks trust, quarantine, manifest, id, compatibility; then loads. The same file again answers the same object.
    Result<const Plugin*> load(const std::filesystem::path& file, const LoadOptions& options = {});
    const Plugin* find(std::string_view id) const;
    // By id, in alphabetical order. Valid as long as the registry.
    std::vector<const Manifest*> manifests() const;

    // Checks `config`, fills in its defaults, makes an instance of a loaded plugin.
    Result<PluginInstance> create(std::string_view id, const std::string& kind, const nlohmann::json& config) const;

    // At the end of this process: no process of a plugin outlives it.
    void end_processes() const;

private:
    Result<std::shared_ptr<Plugin>> make(const std::filesystem::path& file, Manifest manifest, std::string sha256,
                                         Isolation how);
    Isolation isolation_of(const std::filesystem::path& file, const LoadOptions& options) const;

    HostServices& services_;
    PluginPolicy policy_;
    ContractVersion contract_;
    std::map<std::string, std::shared_ptr<Plugin>, std::less<>> plugins_; // by id
    std::vector<std::shared_ptr<Plugin>> replaced_; // still mapped, or still at work for an instance
    struct Refused {
        Error error;
        std::shared_ptr<Plugin> plugin; // still mapped, and may have been told where its host table is
    };
    std::map<std::filesystem::path, Refused> refused_; // in-process, by real path
};

} // namespace castra
