// SPDX-License-Identifier: Apache-2.0
// From the name in castra.toml to a file. Order: the explicit path, then plugins.path, then the install directory; the
// first that has the file wins. Never the current directory, never the loader's search path: every path is absolute.
// Never opens a file, and says nothing about whether it may be trusted.
// Errors: not_found, with what is available and the nearest name; usage of a relative path or an impossible name.
#pragma once
#include "base/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace castra {

struct PluginQuery {
    std::string name;        // an id "launcher-qemu", or without its prefix "qemu"
    std::string kind_prefix; // "launcher"; see kind_prefix_of
    std::filesystem::path explicit_path;
    std::vector<std::filesystem::path> search_dirs;
    std::filesystem::path install_dir;
};

Result<std::filesystem::path> find_plugin(const PluginQuery& query);

// "castra.bootstrap_step/1" -> "step"; also launcher, broker, reporter. Empty: no such kind.
std::string_view kind_prefix_of(std::string_view kind);

// Every .so of the directories, in search order and then by name; a file name already seen is left out.
std::vector<std::filesystem::path> list_plugin_files(const std::vector<std::filesystem::path>& dirs);

// <prefix>/lib/castra/plugins beside the <prefix>/bin that this program runs from.
Result<std::filesystem::path> installed_plugin_dir();

} // namespace castra
