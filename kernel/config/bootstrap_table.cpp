// SPDX-License-Identifier: Apache-2.0
#include "config/bootstrap_table.hpp"

#include "config/limits.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

namespace castra {
namespace {

// The words after the first three are the prototype's.
constexpr Choice modes[] = {{"auto", "auto"},    {"always", "always"}, {"skip", "skip"},     {"automatic", "auto"},
                            {"enabled", "auto"}, {"force", "always"},  {"disabled", "skip"}, {"off", "skip"}};

// Whether a system has it, or nearly everything that lies directly below it, for itself.
bool is_of_the_system(const std::filesystem::path& path) {
    const auto parts = static_cast<int>(std::distance(path.begin(), path.end())) - 1; // the first one is "/"
    if (parts < 2) return true;
    const auto top = std::next(path.begin())->string();
    for (const std::string_view kernel : {"proc", "sys", "dev", "boot"})
        if (top == kernel) return true;
    for (const std::string_view shared : {"usr", "var", "etc", "bin", "sbin", "lib", "lib64"})
        if (top == shared && parts < 3) return true;
    return false;
}

void read_steps(const Reader& reader, std::vector<BootstrapStepConfig>& into) {
    if (!reader.has("steps")) return;
    into.clear(); // a list is replaced, not added to
    std::set<std::string> names;
    for (const auto& one : reader.tables("steps", known::bootstrap_step, limits::bootstrap_steps_max)) {
        BootstrapStepConfig step;
        if (!one.has("name")) one.refuse_missing("name", "write name = \"apply\", say");
        one.read_name("name", step.name);
        one.read_name("plugin", step.plugin);
        one.read_free_table("config", step.config, step.config_at);
        Milliseconds timeout{};
        if (one.read_seconds("timeout_secs", 1, timeout)) step.timeout = timeout;
        if (!step.name.empty() && !names.insert(step.name).second)
            one.refuse("name", in_quotes(step.name) + " is already a step of this VM",
                       "give it another name, and name its plugin by plugin = ");
        into.push_back(std::move(step));
    }
    if (into.empty())
        reader.refuse("steps", "no step at all", "remove it for castra's own steps; mode = \"skip\" does nothing");
}

} // namespace

std::span<const Choice> bootstrap_mode_words() {
    return modes;
}

void read_remote_dir(const Reader& reader, std::string& into) {
    std::string text = into;
    reader.narrow("remote_dir", {{"pattern", R"(^(?=/)(?!.*/\.\.(/|$))(?!(/\.?)+$))"}});
    if (!reader.read_line("remote_dir", text)) return;
    std::filesystem::path path(text);
    const bool climbs = std::ranges::find(path, std::filesystem::path("..")) != path.end();
    path = path.lexically_normal();
    if (path.filename().empty()) path = path.parent_path(); // "/a/b/"
    if (!path.is_absolute() || climbs || path == "/")
        reader.refuse("remote_dir", in_quotes(text) + " is no directory below the guest's /",
                      "write an absolute path without \"..\", such as \"/var/tmp/castra\"");
    else if (is_of_the_system(path))
        reader.refuse("remote_dir", in_quotes(text) + " is not castra's to replace files in",
                      "write a directory of its own, such as \"/var/tmp/castra\" or \"/opt/castra/app\"");
    else
        into = path.string();
}

void read_bootstrap(const Reader& reader, BootstrapConfig& into) {
    reader.read_choice("mode", modes, into.mode);
    Milliseconds timeout = into.handshake_timeout.value_or(Milliseconds(0)); // 0: the step's own
    if (reader.read_seconds("handshake_timeout_secs", 1, timeout)) into.handshake_timeout = timeout;
    reader.read_seconds("connect_timeout_secs", 1, into.connect_timeout);
    reader.read_seconds("step_timeout_secs", 1, into.step_timeout);
    read_remote_dir(reader, into.remote_dir);
    reader.read_path("script", into.script);
    reader.read_path("payload", into.payload);
    reader.read_script("verify_command", into.verify_command);
    reader.read_line("verify_path", into.verify_path);
    reader.read_env("env", into.env);
    read_steps(reader, into.steps);
}

} // namespace castra
