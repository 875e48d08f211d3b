// SPDX-License-Identifier: Apache-2.0
// What plugins may ask of us, and nothing else. Implemented by the kernel and by tests; HostTable is its C face.
// Thread: every function may be called from any thread, also while the kernel itself waits for a plugin: queue, and
// never call back into a plugin.
#pragma once
#include "base/result.hpp"
#include "base/secret.hpp"
#include "castra/abi/host.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace castra {

enum class PluginLogLevel { debug, info, warn, error };

struct PluginHostTime {
    std::int64_t unix_us = 0, monotonic_ns = 0;
};

class HostServices {
public:
    virtual ~HostServices() = default;
    // The diagnostic log, no event. `plugin` is the id of who speaks.
    virtual void log(std::string_view plugin, PluginLogLevel level, std::string_view text) = 0;
    // An event {type, severity?, message, vm?, fields?, ext?}; the bus's rules decide. Errors: told to the plugin.
    virtual Result<> emit(std::string_view plugin, const nlohmann::json& event) = 0;
    virtual PluginHostTime now() = 0;
    virtual bool cancelled() = 0;
    // A secret by its name. Errors, told to the plugin: there is none that this plugin may read, or it cannot be read.
    virtual Result<Secret> secret(std::string_view plugin, const std::string& name) {
        return fail(ErrorCode::not_found, "no secret \"" + name + "\" for plugin " + std::string(plugin));
    }
    // An isolated plugin crashed, hung or broke the protocol, and was ended. `what` says how, in one line.
    virtual void fault(std::string_view plugin, std::string_view what) { log(plugin, PluginLogLevel::error, what); }
};

// The table that one plugin's init gets. Owner: PluginLibrary; services outlive it. Never moves: C holds its address.
class HostTable {
public:
    HostTable(HostServices& services, std::string plugin);
    HostTable(const HostTable&) = delete;
    HostTable& operator=(const HostTable&) = delete;

    const castra_host* c_table() const { return &table_; }
    HostServices& services() { return services_; }
    const std::string& plugin() const { return plugin_; }

private:
    HostServices& services_;
    std::string plugin_;
    castra_host table_{};
};

} // namespace castra
