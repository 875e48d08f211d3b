// SPDX-License-Identifier: Apache-2.0
#include "config/known_keys.hpp"

#include "config/names.hpp"

#include <algorithm>
#include <array>

namespace castra {
namespace {

using Keys = std::string_view[];

constexpr Keys root_keys = {"version",   "project", "broker",    "lifecycle", "journal",
                            "bootstrap", "plugins", "reporters", "secrets",   "vms"};
constexpr Keys project_keys = {"name", "state_dir"};
constexpr Keys broker_keys = {
    "launcher",        "cli",       "tcp", "port", "sessions_max", "frames_per_second_max", "queue_bytes_max",
    "topic_bytes_max", "topics_max"};
constexpr Keys lifecycle_keys = {"graceful_shutdown_wait_secs", "sigterm_wait_secs", "sigkill_wait_secs",
                                 "down_timeout_secs",           "ready_wait_secs",   "boot_window"};
constexpr Keys vm_lifecycle_keys = {"graceful_shutdown_wait_secs", "sigterm_wait_secs", "sigkill_wait_secs"};
constexpr Keys journal_keys = {"runs_max", "bytes_max"};
constexpr Keys bootstrap_keys = {
    "mode", "handshake_timeout_secs", "connect_timeout_secs", "step_timeout_secs", "remote_dir", "env", "parallel"};
constexpr Keys plugin_keys = {"path", "sha256", "isolation", "config"};
constexpr Keys reporter_keys = {"plugin", "config"};
constexpr Keys secret_keys = {"name", "file", "plugins"};
constexpr Keys vm_keys = {"name",         "description", "count",        "launcher",  "image",   "base_image",
                          "sha256",       "overlay",     "cpus",         "memory",    "boot",    "port_forwards",
                          "bootstrap",    "options",     "ready_marker", "instances", "restart", "restart_backoff_secs",
                          "restarts_max", "lifecycle"};
constexpr Keys boot_keys = {"kernel", "initrd", "append"};
constexpr Keys port_forward_keys = {"address", "host", "guest", "protocol", "count"};
constexpr Keys vm_bootstrap_keys = {"mode",
                                    "script",
                                    "payload",
                                    "handshake_timeout_secs",
                                    "connect_timeout_secs",
                                    "step_timeout_secs",
                                    "remote_dir",
                                    "env",
                                    "verify_command",
                                    "verify_path",
                                    "steps"};
constexpr Keys bootstrap_step_keys = {"name", "plugin", "config", "timeout_secs"};
constexpr Keys bootstrap_file_keys = {
    "handshake_identity", "handshake_timeout_secs", "remote_dir", "env", "verify", "ssh"};
constexpr Keys bootstrap_file_verify_keys = {"command", "path"};
constexpr Keys bootstrap_file_ssh_keys = {"user", "host", "port", "identity", "options"};
constexpr Keys instance_keys = {"id",           "name",         "description",   "image",
                                "base_image",   "sha256",       "overlay",       "cpus",
                                "memory",       "boot",         "port_forwards", "bootstrap",
                                "options",      "ready_marker", "restart",       "restart_backoff_secs",
                                "restarts_max", "lifecycle"};

// Keys of the prototype that castra no longer has.
struct RetiredKey {
    std::string_view table;
    std::string_view key;
    std::string_view cure;
};
constexpr RetiredKey retired_keys[] = {
    {"", "workflows", "it never had an effect; remove it"},
    {"project", "features", "it never had an effect; remove it"},
    {"vms", "managed_image", "write image = \"NAME\" or base_image = \"FILE\""},
    {"vms.instances", "managed_image", "write image = \"NAME\" or base_image = \"FILE\""},
};

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words)
        out += (out.empty() ? "" : ", ") + word;
    return out;
}

// An instance takes most keys of a VM; naming the VM is enough.
std::vector<std::string> tables_that_know(std::string_view key) {
    std::vector<std::string> headers;
    for (const KnownTable* table : known_tables())
        if (table != &known::instance && table->has(key))
            headers.emplace_back(table->header.empty() ? "the top of the file" : table->header);
    return headers;
}

} // namespace

namespace known {
constinit const KnownTable root{"", "", root_keys};
constinit const KnownTable project{"project", "[project]", project_keys};
constinit const KnownTable broker{"broker", "[broker]", broker_keys};
constinit const KnownTable lifecycle{"lifecycle", "[lifecycle]", lifecycle_keys};
constinit const KnownTable journal{"journal", "[journal]", journal_keys};
constinit const KnownTable bootstrap{"bootstrap", "[bootstrap]", bootstrap_keys};
constinit const KnownTable plugin{"plugins.NAME", "[plugins.NAME]", plugin_keys};
constinit const KnownTable reporter{"reporters", "[[reporters]]", reporter_keys};
constinit const KnownTable secret{"secrets", "[[secrets]]", secret_keys};
constinit const KnownTable vm{"vms", "[[vms]]", vm_keys};
constinit const KnownTable boot{"vms.boot", "[vms.boot]", boot_keys};
constinit const KnownTable port_forward{"vms.port_forwards", "[[vms.port_forwards]]", port_forward_keys};
constinit const KnownTable vm_lifecycle{"vms.lifecycle", "[vms.lifecycle]", vm_lifecycle_keys};
constinit const KnownTable vm_bootstrap{"vms.bootstrap", "[vms.bootstrap]", vm_bootstrap_keys};
constinit const KnownTable instance{"vms.instances", "[[vms.instances]]", instance_keys};
constinit const KnownTable bootstrap_step{"vms.bootstrap.steps", "[[vms.bootstrap.steps]]", bootstrap_step_keys};
constinit const KnownTable bootstrap_file{"", "bootstrap.toml", bootstrap_file_keys};
constinit const KnownTable bootstrap_file_verify{"verify", "[verify]", bootstrap_file_verify_keys};
constinit const KnownTable bootstrap_file_ssh{"ssh", "[ssh]", bootstrap_file_ssh_keys};
} // namespace known

bool KnownTable::has(std::string_view key) const {
    return std::ranges::find(keys, key) != keys.end();
}

std::span<const KnownTable* const> known_tables() {
    static constexpr const KnownTable* all[] = {
        &known::root,         &known::project,      &known::broker,   &known::lifecycle,
        &known::journal,      &known::bootstrap,    &known::plugin,   &known::reporter,
        &known::secret,       &known::vm,           &known::boot,     &known::port_forward,
        &known::vm_bootstrap, &known::vm_lifecycle, &known::instance, &known::bootstrap_step};
    return all;
}

std::string cure_for_unknown(const KnownTable& table, std::string_view key) {
    for (const auto& retired : retired_keys)
        if (retired.table == table.path && retired.key == key) return std::string(retired.cure);
    if (const auto headers = tables_that_know(key); !headers.empty())
        return "it belongs in " + joined(headers) + "; in TOML a key belongs to the last [header] above it";
    const std::vector<std::string> candidates(table.keys.begin(), table.keys.end());
    if (const auto guess = did_you_mean(key, candidates)) return "did you mean \"" + *guess + "\"?";
    return "known here: " + joined(candidates);
}

} // namespace castra
