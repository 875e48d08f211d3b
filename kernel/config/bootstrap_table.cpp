// SPDX-License-Identifier: Apache-2.0
#include "config/bootstrap_table.hpp"

#include <filesystem>

namespace castra {
namespace {

// The words after the first three are the prototype's.
constexpr Choice modes[] = {{"auto", "auto"},    {"always", "always"}, {"skip", "skip"},     {"automatic", "auto"},
                            {"enabled", "auto"}, {"force", "always"},  {"disabled", "skip"}, {"off", "skip"}};

// Files are written and replaced below it, so it is one certain directory of the guest and not its root.
void read_remote_dir(const Reader& reader, std::string& into) {
    std::string text;
    if (!reader.read_line("remote_dir", text)) return;
    const std::filesystem::path path(text);
    bool climbs = false;
    for (const auto& part : path)
        climbs = climbs || part == "..";
    if (path.is_absolute() && !climbs && path.lexically_normal() != "/")
        into = std::move(text);
    else
        reader.refuse("remote_dir", in_quotes(text) + " is no directory below the guest's /",
                      "write an absolute path without \"..\", such as \"/var/tmp/castra\"");
}

} // namespace

void read_bootstrap(const Reader& reader, BootstrapConfig& into) {
    reader.read_choice("mode", modes, into.mode);
    Milliseconds timeout{};
    if (reader.read_seconds("handshake_timeout_secs", 1, timeout)) into.handshake_timeout = timeout;
    read_remote_dir(reader, into.remote_dir);
    reader.read_path("script", into.script);
    reader.read_path("payload", into.payload);
    reader.read_script("verify_command", into.verify_command);
    reader.read_line("verify_path", into.verify_path);
    reader.read_env("env", into.env);
}

} // namespace castra
