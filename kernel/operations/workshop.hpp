// SPDX-License-Identifier: Apache-2.0
// What every operation in this process works with: the machine, the plugins that are loaded, and who plugins talk to.
// Made once in main (or by an embedder); nothing global.
#pragma once
#include "bus/event_bus.hpp"
#include "host/host.hpp"
#include "operations/plugin_set.hpp"
#include "operations/secret_store.hpp"

#include <functional>

namespace castra {

// Diagnostic log: for whoever debugs castra, never an event.
using Log = std::function<void(std::string_view level, std::string_view text)>;

// Where plugins run: as the file says, or in processes of their own in any case.
enum class PluginHome { as_configured, own_process };

class Workshop {
public:
    Workshop(Installation installation, Host& host, Log log, PluginHome plugins = PluginHome::as_configured);
    Workshop(const Workshop&) = delete;
    Workshop& operator=(const Workshop&) = delete;
    ~Workshop();

    const Installation& installation() const { return installation_; }
    Host& host() { return host_; }
    PluginRegistry& registry() { return *registry_; }
    const Log& log() const { return log_; }

    // What plugins may ask for; offer() it what the project has before they are made.
    SecretStore& secrets();
    // While a run is open, what plugins emit goes to its bus; what they emit outside is dropped. Thread: the kernel's.
    void attach(EventBus* bus);
    // From now on plugins that ask are told that the run is being cancelled, until the next attach.
    void cancel_run();

private:
    class Services;
    Installation installation_;
    Host& host_;
    Log log_;
    std::unique_ptr<Services> services_;
    std::unique_ptr<PluginRegistry> registry_;
};

} // namespace castra
