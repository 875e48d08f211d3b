// SPDX-License-Identifier: Apache-2.0
// OpenFiles of the simulation, in place of host/open_files.cpp, which reads /proc.
#include "host/open_files.hpp"

#include "world.hpp"

#include <algorithm>

namespace castra {
namespace {
bool is_below(const std::string& path, const std::string& root) {
    return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}
} // namespace

OpenFiles OpenFiles::below(const std::filesystem::path& root) {
    OpenFiles found;
    found.look_at_processes(root);
    found.look_at_sockets(root);
    return found;
}

void OpenFiles::look_at_processes(const std::string& root) {
    using sim::Proc;
    for (const auto role : {Proc::Role::guest, Proc::Role::tool, Proc::Role::stranger})
        for (const auto& proc : sim::world->living(role)) {
            if (is_below(proc->cwd, root)) uses_.push_back({proc->cwd, proc->pid});
            for (const auto& [fd, file] : proc->files)
                if (file->node && is_below(file->path, root)) uses_.push_back({file->path, proc->pid});
        }
}

void OpenFiles::look_at_sockets(const std::string& root) {
    for (const auto& path : sim::world->disk.list(root))
        if (const auto node = sim::world->disk.find(path); node && !node->listener.expired())
            uses_.push_back({path, 0});
}

std::optional<int> OpenFiles::user_of(const std::filesystem::path& directory) const {
    const auto use = std::ranges::find_if(uses_, [&](const Use& one) { return is_below(one.path, directory); });
    return use == uses_.end() ? std::nullopt : std::optional(use->pid);
}

} // namespace castra
