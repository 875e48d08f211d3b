// SPDX-License-Identifier: Apache-2.0
#include "host/open_files.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>

namespace castra {
namespace {

namespace fs = std::filesystem;

bool is_below(const std::string& path, const std::string& root) {
    return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

std::string target_of(const fs::path& link) {
    std::error_code error;
    return fs::read_symlink(link, error).string();
}

} // namespace

OpenFiles OpenFiles::below(const fs::path& root) {
    OpenFiles found;
    std::error_code error;
    found.look_at_processes(fs::weakly_canonical(root, error));
    found.look_at_sockets(root);
    return found;
}

void OpenFiles::look_at_processes(const std::string& root) {
    std::error_code error;
    const auto own_program = target_of("/proc/self/exe");
    for (auto at = fs::directory_iterator("/proc", error); !error && at != fs::end(at); at.increment(error)) {
        const auto name = at->path().filename().string();
        int pid = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) continue;
        if (target_of(at->path() / "exe") == own_program) continue;
        auto look = [&](const fs::path& link) {
            auto target = target_of(link);
            if (is_below(target, root)) uses_.push_back({std::move(target), pid});
        };
        look(at->path() / "cwd");
        std::error_code gone; // a process of another user, or one that has just ended
        for (auto fd = fs::directory_iterator(at->path() / "fd", gone); !gone && fd != fs::end(fd); fd.increment(gone))
            look(fd->path());
    }
}

// Num RefCount Protocol Flags Type St Inode Path; a listening socket has flag 10000. The path is as it was bound.
void OpenFiles::look_at_sockets(const std::string& root) {
    std::ifstream table("/proc/net/unix");
    std::error_code error;
    for (std::string row; std::getline(table, row);) {
        const auto at = row.find('/');
        if (at == std::string::npos || row.find(" 00010000 ") == std::string::npos) continue;
        const auto path = row.substr(at);
        if (is_below(path, root)) uses_.push_back({fs::weakly_canonical(path, error), 0});
    }
}

std::optional<int> OpenFiles::user_of(const fs::path& directory) const {
    std::error_code error;
    const auto canonical = fs::weakly_canonical(directory, error).string();
    const auto use = std::ranges::find_if(uses_, [&](const Use& one) { return is_below(one.path, canonical); });
    return use == uses_.end() ? std::nullopt : std::optional(use->pid);
}

} // namespace castra
