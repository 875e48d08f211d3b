// SPDX-License-Identifier: Apache-2.0
#include "host/directory.hpp"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace castra {
namespace {

constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

Failure refuse_open(const std::string& doing, int error) {
    if (error == ENOENT) return fail(ErrorCode::not_found, doing + ": it does not exist");
    if (error == ELOOP || error == ENOTDIR)
        return fail(ErrorCode::io, doing + ": it is no directory, or a symbolic link, which is not followed");
    return fail_errno(doing, error);
}

Directory::Entry entry_of(std::string name, const struct stat& info) {
    using Kind = Directory::Entry::Kind;
    const auto kind = S_ISREG(info.st_mode)   ? Kind::file
                      : S_ISDIR(info.st_mode) ? Kind::directory
                      : S_ISLNK(info.st_mode) ? Kind::link
                                              : Kind::other;
    const bool is_shared = kind != Kind::directory && info.st_nlink > 1;
    return {std::move(name), kind, is_shared ? 0 : static_cast<std::int64_t>(info.st_blocks) * 512};
}

} // namespace

Result<Directory> Directory::adopt(UniqueFd fd, std::filesystem::path path, int depth) {
    struct stat info {};
    if (fstat(fd.get(), &info) != 0) return fail_errno("look at " + path.string());
    return Directory(std::move(fd), std::move(path), info.st_dev, info.st_uid == geteuid(), depth);
}

Result<Directory> Directory::open(const std::filesystem::path& path) {
    UniqueFd fd(::open(path.c_str(), flags));
    if (!fd) return refuse_open("open directory " + path.string(), errno);
    return adopt(std::move(fd), path, 0);
}

Result<Directory> Directory::child(const std::string& name) const {
    const auto doing = naming("open directory ", name);
    if (depth_ >= depth_max) return fail(ErrorCode::io, doing + ": deeper than castra makes any");
    UniqueFd fd(openat(fd_.get(), name.c_str(), flags));
    if (!fd) return refuse_open(doing, errno);
    CASTRA_TRY(child, adopt(std::move(fd), path_ / name, depth_ + 1));
    if (child.device_ != device_) return fail(ErrorCode::io, doing + ": another file system is mounted there");
    return std::move(child);
}

Result<std::vector<Directory::Entry>> Directory::entries() const {
    const auto doing = "read directory " + path_.string();
    const int copy = openat(fd_.get(), ".", flags); // an offset of its own
    if (copy < 0) return fail_errno(doing);
    DIR* stream = fdopendir(copy);
    if (!stream) {
        ::close(copy);
        return fail_errno(doing);
    }
    std::vector<Entry> found;
    while (const auto* at = readdir(stream)) {
        const std::string name = at->d_name;
        if (name == "." || name == "..") continue;
        if (auto entry = find(name)) found.push_back(std::move(*entry));
    }
    closedir(stream);
    std::ranges::sort(found, {}, &Entry::name);
    return found;
}

std::optional<Directory::Entry> Directory::find(const std::string& name) const {
    struct stat info {};
    if (fstatat(fd_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
    return entry_of(name, info);
}

Result<std::int64_t> Directory::allocated_bytes(const std::string& name) const {
    const auto entry = find(name);
    if (!entry) return 0;
    auto total = entry->allocated_bytes;
    if (entry->kind != Entry::Kind::directory) return total;
    CASTRA_TRY(inner, child(name));
    CASTRA_TRY(entries, inner.entries());
    for (const auto& one : entries) {
        CASTRA_TRY(bytes, inner.allocated_bytes(one.name));
        total += bytes;
    }
    return total;
}

Result<> Directory::remove(const std::string& name) const {
    if (unlinkat(fd_.get(), name.c_str(), 0) != 0 && errno != ENOENT) return fail_errno(naming("remove ", name));
    return {};
}

Result<> Directory::remove_tree(const std::string& name) const {
    const auto entry = find(name);
    if (!entry) return {};
    if (entry->kind != Entry::Kind::directory) return remove(name);
    {
        CASTRA_TRY(inner, child(name));
        CASTRA_TRY(entries, inner.entries());
        for (const auto& one : entries)
            CASTRA_CHECK(inner.remove_tree(one.name));
    }
    if (unlinkat(fd_.get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
        return fail_errno(naming("remove ", name));
    return {};
}

Result<> Directory::remove_if_empty(const std::string& name) const {
    if (unlinkat(fd_.get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT && errno != ENOTEMPTY &&
        errno != EEXIST && errno != ENOTDIR)
        return fail_errno(naming("remove ", name));
    return {};
}

std::string Directory::naming(const char* doing, const std::string& name) const {
    return doing + (path_ / name).string();
}

} // namespace castra
