// SPDX-License-Identifier: Apache-2.0
#include "state/vm_folder.hpp"

#include <algorithm>

namespace castra {
namespace {

std::optional<std::string> user_in_words(const OpenFiles& files, const std::filesystem::path& path) {
    const auto pid = files.user_of(path);
    if (!pid) return std::nullopt;
    return (*pid > 0 ? "process " + std::to_string(*pid) : "a process that listens on a socket") + " uses " +
           path.string();
}

} // namespace

bool is_log_file(std::string_view name) {
    return name.ends_with(".log") || name.ends_with(".log.1");
}

bool is_made_by_castra(std::string_view name) {
    return name == "overlay.qcow2" || name == "ssh" || name == "broker.json" || is_log_file(name) ||
           std::ranges::find(record_files, name) != record_files.end();
}

VmUsers::VmUsers(const Layout& layout)
    : layout_(layout), in_state_(OpenFiles::below(layout.state_dir())),
      in_runtime_(OpenFiles::below(layout.runtime_dir())) {}

std::optional<std::string> VmUsers::user_of(const std::string& vm) const {
    if (auto user = user_in_words(in_state_, layout_.vm_dir(vm))) return user;
    return user_in_words(in_runtime_, layout_.vm_runtime_dir(vm));
}

std::optional<std::string> VmUsers::user_of_runtime(const std::filesystem::path& path) const {
    return user_in_words(in_runtime_, path);
}

} // namespace castra
