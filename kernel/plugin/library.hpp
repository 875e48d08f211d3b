// SPDX-License-Identifier: Apache-2.0
// PluginLibrary: one plugin's .so in this process, loaded once and never unloaded (its code may be on a stack, in an
// atexit list, in a thread). What can be known without running its code is checked before; what must not change while
// its constructors run is compared after.
// Errors: plugin, naming both numbers and the cure. A refused file may stay mapped; nothing of it is called again.
// Thread: load in the kernel's thread. Owner: PluginRegistry.
#pragma once
#include "base/result.hpp"
#include "castra/abi/entry.h"
#include "plugin/host_services.hpp"
#include "plugin/manifest.hpp"

#include <filesystem>
#include <string>

namespace castra {

class PluginLibrary {
public:
    // `file` is a real path that check_trust() answered, `manifest` what read_manifest() says of it. Loads nothing.
    PluginLibrary(std::filesystem::path file, Manifest manifest, HostServices& services);
    // Once. Afterwards, refused or not, code of it may hold the address of the host table: keep this object.
    Result<> load(ContractVersion contract);

    const Manifest& manifest() const { return manifest_; }
    const std::filesystem::path& file() const { return file_; }
    const castra_plugin& table() const { return *table_; } // once loaded; valid as long as the process
    // nullptr: this kind is not in the manifest.
    const castra_interface* find_interface(const std::string& kind) const;

private:
    Result<> enter();
    Result<> check_table() const;
    Result<> check_kinds() const;

    std::filesystem::path file_;
    Manifest manifest_;
    HostTable host_;
    const castra_plugin* table_ = nullptr;
};

// The checks that need no code of the plugin: its ABI and contract ranges against ours, its isolation.
Result<> check_compatible(const Manifest& manifest, ContractVersion contract);

} // namespace castra
