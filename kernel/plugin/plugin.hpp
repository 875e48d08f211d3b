// SPDX-License-Identifier: Apache-2.0
// Plugin: one plugin that passed every check, wherever its code runs: in this process (PluginLibrary) or in one of its
// own (IsolatedPlugin). Callers see the same table of slots in both, with the same signature and the same answers.
// Thread: the kernel's, but for slots: those belong to the thread of the call. Owner: PluginRegistry, and each
// instance.
#pragma once
#include "castra/abi/entry.h"
#include "plugin/isolation.hpp"
#include "plugin/manifest.hpp"

#include <filesystem>
#include <string>

namespace castra {

class Plugin {
public:
    Plugin() = default;
    Plugin(const Plugin&) = delete;
    Plugin& operator=(const Plugin&) = delete;
    virtual ~Plugin() = default;

    virtual const Manifest& manifest() const = 0;
    virtual const std::filesystem::path& file() const = 0; // real
    virtual Isolation isolation() const = 0;
    // nullptr: this kind is not in the manifest.
    virtual const castra_interface* find_interface(const std::string& kind) const = 0;
    // As castra_plugin's. `instance` is valid until destroy.
    virtual std::int32_t create(const std::string& kind, castra_bytes config, const castra_sink* error,
                                void** instance) const = 0;
    virtual void destroy(void* instance) const = 0;
};

} // namespace castra
