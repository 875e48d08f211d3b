// SPDX-License-Identifier: Apache-2.0
#include "host/file_lock.hpp"

#include "host/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace castra {
namespace {
bool is_file(int fd) {
    struct stat info {};
    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

Result<UniqueFd> open_lock(const std::filesystem::path& path) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!fd && errno != EISDIR && errno != ELOOP && errno != ENXIO) return fail_errno("open lock " + path.string());
    if (!fd || !is_file(fd.get()))
        return fail(ErrorCode::io, "lock " + path.string() + ": something else than castra's file is in its place",
                    "move that away, then try again");
    return fd;
}

bool was_removed(int fd) {
    struct stat info {};
    return fstat(fd, &info) == 0 && info.st_nlink == 0;
}

// Written over the last holder's name, then cut: a file cut to nothing gives its block back, which costs milliseconds
// on a disk that is told of every free block.
Result<> write_holder(int fd, const std::filesystem::path& path, std::string_view holder) {
    if (::pwrite(fd, holder.data(), holder.size(), 0) < 0 || ::ftruncate(fd, static_cast<off_t>(holder.size())) != 0)
        return fail_errno("write lock " + path.string());
    return {};
}
} // namespace

Result<FileLock> FileLock::try_lock(const std::filesystem::path& path, std::string_view holder) {
    CASTRA_TRY(fd, open_lock(path));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return fail_errno("lock " + path.string());
        return fail(ErrorCode::busy, "lock " + path.string() + " is held by " + files::tail_of(path, 256));
    }
    if (was_removed(fd.get())) return try_lock(path, holder);
    CASTRA_CHECK(write_holder(fd.get(), path, holder));
    return FileLock(std::move(fd));
}

Result<> FileLock::probe(const std::filesystem::path& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd) return errno == ENOENT || errno == ELOOP ? Result<>() : fail_errno("open lock " + path.string());
    if (!is_file(fd.get())) return {};
    if (::flock(fd.get(), LOCK_SH | LOCK_NB) == 0) return {};
    return fail(ErrorCode::busy, "lock " + path.string() + " is held by " + files::tail_of(path, 256));
}

Result<FileLock> FileLock::wait_lock(const std::filesystem::path& path, std::string_view holder) {
    CASTRA_TRY(fd, open_lock(path));
    if (::flock(fd.get(), LOCK_EX) != 0) {
        if (errno == EINTR) return fail(ErrorCode::cancelled, "lock " + path.string() + ": interrupted");
        return fail_errno("lock " + path.string());
    }
    if (was_removed(fd.get())) return wait_lock(path, holder);
    CASTRA_CHECK(write_holder(fd.get(), path, holder));
    return FileLock(std::move(fd));
}

} // namespace castra
