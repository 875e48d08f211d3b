// SPDX-License-Identifier: Apache-2.0
// PluginLibrary: one plugin's .so in this process, loaded once and never unloaded (its code may be on a stack, in an
// atexit list, in a thread). What can be known without running its code is checked before; what must not change while
// its constructors run is compared after.
// Errors: plugin, naming both numbers and the cure. A refused file may stay mapped; nothing of it is called again.
// Thread: load in the kernel's thread. Owner: PluginRegistry.
#pragma once
#include "base/result.hpp"
#include "plugin/host_services.hpp"
#include "plugin/plugin.hpp"

namespace castra {

class PluginLibrary final : public Plugin {
public:
    // `file` is a real path that check_trust() answered, `manifest` what read_manifest() says of it. Loads nothing.
    PluginLibrary(std::filesystem::path file, Manifest manifest, HostServices& services);
    // Once. Afterwards, refused or not, code of it may hold the address of the host table: keep this object.
    // `how`: what this process is to the plugin; its manifest must accept that.
    Result<> load(ContractVersion contract, Isolation how = Isolation::in_process);

    const Manifest& manifest() const override { return manifest_; }
    const std::filesystem::path& file() const override { return file_; }
    Isolation isolation() const override { return Isolation::in_process; }
    const castra_interface* find_interface(const std::string& kind) const override;
    std::int32_t create(const std::string& kind, castra_bytes config, const castra_sink* error,
                        void** instance) const override;
    void destroy(void* instance) const override;

private:
    Result<> enter();
    Result<> check_table() const;
    Result<> check_kinds() const;

    std::filesystem::path file_;
    Manifest manifest_;
    HostTable host_;
    const castra_plugin* table_ = nullptr; // once loaded; valid as long as the process
};

// The checks that need no code of the plugin: its ABI and contract ranges against ours, its isolation.
Result<> check_compatible(const Manifest& manifest, ContractVersion contract, Isolation how);

} // namespace castra
