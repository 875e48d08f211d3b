// SPDX-License-Identifier: Apache-2.0
// PluginInstance: one object inside a plugin, made from one config. Everything is JSON here; the typed words of a kind
// are the business of who calls. Nothing that a plugin answers is believed: replies are bounded, parsed, must be
// objects. Thread: one at a time, not always the same. Owner: whoever made it; may outlive the registry, not the
// HostServices.
#pragma once
#include "base/result.hpp"
#include "plugin/bounded_sink.hpp"
#include "plugin/plugin.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace castra {

struct CallOptions {
    // Told to the plugin; only an isolated one is interrupted.
    std::optional<std::chrono::steady_clock::time_point> deadline;
    int cancel_fd = -1; // readable: give up
};

class PluginInstance {
public:
    // `config` is what check_plugin_config() answered.
    static Result<PluginInstance> create(std::shared_ptr<const Plugin> plugin, const std::string& kind,
                                         const nlohmann::json& config);
    PluginInstance(PluginInstance&& other) noexcept;
    PluginInstance& operator=(PluginInstance&& other) noexcept;
    PluginInstance(const PluginInstance&) = delete;
    PluginInstance& operator=(const PluginInstance&) = delete;
    ~PluginInstance();

    // `slot` is an enumerator of the kind's abi header. Errors: plugin (also what the plugin refused, in its words and
    // with its hint), cancelled, timeout.
    Result<nlohmann::json> call(std::uint32_t slot, const nlohmann::json& request, const CallOptions& options = {});

    // What of its request the plugin blamed when the last call failed, a JSON pointer; empty: it blamed nothing.
    const std::string& refused_field() const { return refused_field_; }

    const std::string& plugin() const { return plugin_; } // id
    const std::string& kind() const { return kind_; }
    Isolation isolation() const { return code_->isolation(); }

private:
    PluginInstance() = default;
    std::string slot_name(std::uint32_t slot) const;

    std::string plugin_, kind_, refused_field_;
    std::shared_ptr<const Plugin> code_;
    const castra_interface* interface_ = nullptr;
    void* instance_ = nullptr;
    std::uint64_t calls_ = 0;
};

} // namespace castra
