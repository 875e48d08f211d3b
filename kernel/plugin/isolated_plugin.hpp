// SPDX-License-Identifier: Apache-2.0
// IsolatedPlugin: a plugin whose code runs in castra-plugin-host, looking like one that is loaded here. Each instance
// has a process of its own: what one of them does to its process, no other feels.
// The proxy knows nothing of any interface: a slot is a number, a request is bytes.
// Errors: what the plugin did wrong is an error of the call, in the words of PluginProcess.
// Thread: as Plugin. Owner: PluginRegistry, and each instance.
#pragma once
#include "plugin/plugin.hpp"
#include "plugin/plugin_process.hpp"

#include <map>

namespace castra {

class IsolatedPlugin final : public Plugin {
public:
    // `origin.file` is a real path that check_trust() answered. Starts nothing.
    IsolatedPlugin(PluginOrigin origin, PluginPolicy policy, HostServices& services);
    ~IsolatedPlugin() override;
    // Once: starts the first process and lets it check the plugin as a load in-process would.
    Result<> load();

    const Manifest& manifest() const override { return origin_.manifest; }
    const std::filesystem::path& file() const override { return origin_.file; }
    Isolation isolation() const override { return Isolation::process; }
    const std::string& sha256() const { return origin_.sha256; }
    const castra_interface* find_interface(const std::string& kind) const override;
    std::int32_t create(const std::string& kind, castra_bytes config, const castra_sink* error,
                        void** instance) const override;
    void destroy(void* instance) const override;

    // Ends what runs, at once, for the end of this process: nothing of ours may outlive it.
    void end_all() const;

private:
    struct Table {
        std::vector<castra_slot> slots;
        castra_interface interface {};
    };
    PluginOrigin origin_;
    PluginPolicy policy_;
    HostServices& services_;
    std::map<std::string, Table> tables_; // by kind
    mutable std::mutex mutex_;
    mutable std::unique_ptr<PluginProcess> spare_; // loaded, without an instance
    mutable std::vector<PluginProcess*> used_;
};

} // namespace castra
