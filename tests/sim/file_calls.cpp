// SPDX-License-Identifier: Apache-2.0
// The system calls on files but those of directories and streams, as the linker gives them to all code of this program
// (--wrap): for paths below /sim and descriptors of the simulation they are the simulated disk's, otherwise the real
// ones.
#include "wrapped.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

using namespace castra::sim;
using Call = World::Call;
using Kind = OpenFile::Kind;

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {
int __real_open(const char*, int, ...);
int __real_openat(int, const char*, int, ...);
int __real_faccessat(int, const char*, int, int);
int __real_close(int);
ssize_t __real_read(int, void*, size_t);
ssize_t __real_write(int, const void*, size_t);
ssize_t __real_writev(int, const struct iovec*, int);
ssize_t __real_pread(int, void*, size_t, off_t);
ssize_t __real_pwrite(int, const void*, size_t, off_t);
int __real_stat(const char*, struct stat*);
int __real_lstat(const char*, struct stat*);
int __real_fstat(int, struct stat*);
int __real_fstat64(int, struct stat64*);
int __real_fstatat(int, const char*, struct stat*, int);
int __real_mkdir(const char*, mode_t);
int __real_unlink(const char*);
int __real_unlinkat(int, const char*, int);
int __real_rmdir(const char*);
int __real_rename(const char*, const char*);
int __real_ftruncate(int, off_t);
int __real_fsync(int);
int __real_fdatasync(int);
int __real_flock(int, int);
int __real_chmod(const char*, mode_t);
ssize_t __real_readlink(const char*, char*, size_t);
char* __real_realpath(const char*, char*);
off64_t __real_lseek64(int, off64_t, int);
int __real_statvfs(const char*, struct statvfs*);
}

namespace {

std::string below(int fd, const char* name) {
    const auto file = world->file_of(fd);
    if (!file) return {};
    return std::string_view(name) == "." ? file->path : file->path + "/" + name;
}

void fill(const Node& node, struct stat& info) {
    info = {};
    info.st_dev = 77;
    info.st_ino = node.number;
    info.st_nlink = node.links;
    info.st_uid = geteuid();
    info.st_mode = node.kind == Node::Kind::directory ? S_IFDIR | 0700
                   : node.kind == Node::Kind::socket  ? S_IFSOCK | 0600
                                                      : S_IFREG | 0600;
    info.st_size = static_cast<off_t>(node.bytes.size());
    info.st_blocks = static_cast<blkcnt_t>((node.bytes.size() + 4095) / 4096 * 8);
    info.st_mtim.tv_sec = world->unix_us() / 1000000 - (world->now_us - node.changed_us) / 1000000;
}

bool is_journal(const std::string& path) {
    return path.find("/journal/") != std::string::npos && path.ends_with(".ndjson");
}

void broke(const OpenFile& file) {
    if (world->current && is_journal(file.path)) world->current->journal_broke = true;
}

ssize_t sim_write(OpenFile& file, std::string_view bytes, std::size_t offset) {
    auto some_of = [&](std::size_t size) {
        return static_cast<std::size_t>(world->random.below(static_cast<std::int64_t>(size)));
    };
    if (const int error = world->admit(Call::write, file.path)) {
        // Killed half-way, or broken half-way: some of it may be there.
        const bool killed_now = world->current->effects_left == 0;
        broke(file);
        if (!killed_now && world->is_dead()) return answer(error);
        const auto some = some_of(bytes.size());
        world->disk.write(*file.node, offset, bytes.substr(0, some));
        if (killed_now) world->current->effects_left = -1;
        return killed_now || some == 0 ? answer(error) : static_cast<ssize_t>(some);
    }
    auto fits = bytes.size();
    if (world->disk_is_full) { // what is there already may be written over; the last block may have some room
        const auto there = file.node->bytes.size();
        const auto over = std::min(fits, there > offset ? there - offset : 0);
        fits = over + (over < fits ? some_of(fits - over) : 0);
        if (fits == 0) {
            broke(file);
            return answer(ENOSPC);
        }
    }
    world->disk.write(*file.node, offset, bytes.substr(0, fits));
    return static_cast<ssize_t>(world->bug == SeamBug::short_write_unseen ? bytes.size() : fits);
}

int sim_remove(const std::string& path, bool is_directory) {
    const auto node = world->disk.find(path);
    if (world->is_dead()) return answer(EIO);
    if (!node) return answer(ENOENT);
    if (const bool fits = (node->kind == Node::Kind::directory) == is_directory; fits)
        if (const int error = world->admit(Call::remove, path)) return answer(error);
    return answer(world->disk.remove(path, is_directory));
}

int sim_sync(int fd) {
    const auto file = world->file_of(fd);
    if (!file) return answer(EBADF);
    if (const int error = world->admit(Call::sync, file->path)) {
        broke(*file);
        return answer(error);
    }
    if (world->bug != SeamBug::sync_lies) world->disk.sync(*file->node);
    return 0;
}

bool holds_lock(const std::weak_ptr<OpenFile>& lock, const OpenFile& asker) {
    const auto holder = lock.lock();
    return holder && holder.get() != &asker;
}

} // namespace

namespace castra::sim {

int sim_open(const std::string& path, int flags) {
    auto node = world->disk.find(path);
    const bool makes = (flags & O_CREAT) != 0 && !node;
    const bool changes = makes || (flags & O_TRUNC) != 0;
    if (world->is_dead()) return answer(EIO);
    if (changes || world->faults.other_eio > 0)
        if (const int error = world->admit(Call::open, path); error == EIO || (error != 0 && changes))
            return answer(error);
    if (node && (flags & O_EXCL) != 0 && (flags & O_CREAT) != 0) return answer(EEXIST);
    if (!node && (flags & O_CREAT) == 0) return answer(ENOENT);
    if (makes)
        if (const int error = world->disk.make(path, Node::Kind::file, node)) return answer(error);
    if (makes && is_journal(path)) world->current->journal_broke = false;
    if ((flags & O_DIRECTORY) != 0 && node->kind != Node::Kind::directory) return answer(ENOTDIR);
    if (node->kind == Node::Kind::socket) return answer(ENXIO);
    if (node->kind == Node::Kind::directory && (flags & O_ACCMODE) != O_RDONLY) return answer(EISDIR);
    if ((flags & O_TRUNC) != 0) world->disk.cut(*node, 0);
    auto file = std::make_shared<OpenFile>();
    file->kind = node->kind == Node::Kind::directory ? Kind::directory : Kind::file;
    file->node = node;
    file->path = path;
    file->flags = flags;
    return world->open_fd(std::move(file));
}

} // namespace castra::sim

extern "C" {

int __wrap_open(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const auto mode = (flags & O_CREAT) != 0 ? va_arg(more, unsigned) : 0U;
    va_end(more);
    return simulated(path) ? sim_open(path, flags) : __real_open(path, flags, mode);
}

int __wrap_openat(int fd, const char* path, int flags, ...) {
    if (simulated(path)) return sim_open(path, flags);
    if (simulated(fd)) {
        const auto full = below(fd, path);
        return full.empty() ? answer(EBADF) : sim_open(full, flags);
    }
    va_list more;
    va_start(more, flags);
    const auto mode = (flags & O_CREAT) != 0 ? va_arg(more, unsigned) : 0U;
    va_end(more);
    return __real_openat(fd, path, flags, mode);
}

int __wrap_close(int fd) {
    if (!World::is_ours(fd)) return __real_close(fd);
    if (world) world->close_fd(fd);
    return 0;
}

ssize_t __wrap_pread(int fd, void* into, size_t size, off_t offset) {
    if (!simulated(fd)) return __real_pread(fd, into, size, offset);
    const auto file = world->file_of(fd);
    if (!file || !file->node) return answer(EBADF);
    const auto& bytes = file->node->bytes;
    const auto from = static_cast<std::size_t>(offset);
    if (from >= bytes.size()) return 0;
    const auto count = std::min(size, bytes.size() - from);
    std::memcpy(into, bytes.data() + from, count);
    return static_cast<ssize_t>(count);
}

ssize_t __wrap_read(int fd, void* into, size_t size) {
    if (!simulated(fd)) return __real_read(fd, into, size);
    const auto file = world->file_of(fd);
    if (!file) return answer(EBADF);
    if (file->kind == Kind::event) {
        if (file->count == 0) return answer(EAGAIN);
        std::memcpy(into, &file->count, sizeof file->count);
        file->count = 0;
        return sizeof file->count;
    }
    const auto done = __wrap_pread(fd, into, size, static_cast<off_t>(file->at));
    if (done > 0) file->at += static_cast<std::size_t>(done);
    return done;
}

ssize_t __wrap_write(int fd, const void* from, size_t size) {
    if (!simulated(fd)) return __real_write(fd, from, size);
    const auto file = world->file_of(fd);
    if (!file) return answer(EBADF);
    if (file->kind == Kind::event) {
        std::uint64_t more = 0;
        std::memcpy(&more, from, sizeof more);
        file->count += more;
        world->wake(*file);
        return sizeof more;
    }
    if ((file->flags & O_APPEND) != 0) file->at = file->node->bytes.size();
    const auto done = sim_write(*file, {static_cast<const char*>(from), size}, file->at);
    if (done > 0) file->at += static_cast<std::size_t>(done);
    return done;
}

ssize_t __wrap_pwrite(int fd, const void* from, size_t size, off_t offset) {
    if (!simulated(fd)) return __real_pwrite(fd, from, size, offset);
    const auto file = world->file_of(fd);
    if (!file) return answer(EBADF);
    return sim_write(*file, {static_cast<const char*>(from), size}, static_cast<std::size_t>(offset));
}

int __wrap_lstat(const char* path, struct stat* info) {
    if (!simulated(path)) return __real_lstat(path, info);
    const auto node = world->disk.find(path);
    if (!node || world->is_dead()) return answer(ENOENT);
    fill(*node, *info);
    return 0;
}

int __wrap_stat(const char* path, struct stat* info) {
    return simulated(path) ? __wrap_lstat(path, info) : __real_stat(path, info);
}

int __wrap_fstat(int fd, struct stat* info) {
    if (!simulated(fd)) return __real_fstat(fd, info);
    const auto file = world->file_of(fd);
    if (!file || !file->node) return answer(EBADF);
    fill(*file->node, *info);
    return 0;
}

int __wrap_fstat64(int fd, struct stat64* info) {
    return __wrap_fstat(fd, reinterpret_cast<struct stat*>(info));
}

int __wrap_fstatat(int fd, const char* path, struct stat* info, int flags) {
    if (simulated(path)) return __wrap_lstat(path, info);
    if (!simulated(fd)) return __real_fstatat(fd, path, info, flags);
    const auto full = below(fd, path);
    return full.empty() ? answer(EBADF) : __wrap_lstat(full.c_str(), info);
}

int __wrap_mkdir(const char* path, mode_t mode) {
    if (!simulated(path)) return __real_mkdir(path, mode);
    if (const int error = world->admit(Call::make, path)) return answer(error);
    NodePtr made;
    return answer(world->disk.make(path, Node::Kind::directory, made));
}

int __wrap_unlink(const char* path) {
    return simulated(path) ? sim_remove(path, false) : __real_unlink(path);
}

int __wrap_rmdir(const char* path) {
    return simulated(path) ? sim_remove(path, true) : __real_rmdir(path);
}

int __wrap_unlinkat(int fd, const char* path, int flags) {
    const bool is_directory = (flags & AT_REMOVEDIR) != 0;
    if (simulated(path)) return sim_remove(path, is_directory);
    if (!simulated(fd)) return __real_unlinkat(fd, path, flags);
    const auto full = below(fd, path);
    return full.empty() ? answer(EBADF) : sim_remove(full, is_directory);
}

int __wrap_rename(const char* from, const char* to) {
    if (!simulated(from)) return __real_rename(from, to);
    if (world->bug == SeamBug::torn_rename && !world->is_dead()) {
        const auto source = world->disk.find(from);
        const auto target = world->disk.find(to);
        if (source && target && world->current && world->current->effects_left == 1) {
            world->disk.cut(*target, 0);
            world->disk.write(*target, 0, std::string_view(source->bytes).substr(0, source->bytes.size() / 2));
        }
    }
    if (const int error = world->admit(Call::rename, to)) return answer(error);
    return answer(world->disk.rename(from, to));
}

int __wrap_ftruncate(int fd, off_t size) {
    if (!simulated(fd)) return __real_ftruncate(fd, size);
    const auto file = world->file_of(fd);
    if (!file) return answer(EBADF);
    if (const int error = world->admit(Call::other, file->path)) return answer(error);
    world->disk.cut(*file->node, static_cast<std::size_t>(size));
    return 0;
}

int __wrap_fsync(int fd) {
    return simulated(fd) ? sim_sync(fd) : __real_fsync(fd);
}

int __wrap_fdatasync(int fd) {
    return simulated(fd) ? sim_sync(fd) : __real_fdatasync(fd);
}

int __wrap_flock(int fd, int operation) {
    if (!simulated(fd)) return __real_flock(fd, operation);
    const auto file = world->file_of(fd);
    if (!file) return answer(EBADF);
    auto& node = *file->node;
    if (world->bug == SeamBug::lock_ignored) return 0;
    const bool wants_all = (operation & LOCK_EX) != 0;
    bool is_taken = holds_lock(node.exclusive, *file);
    if (wants_all)
        for (const auto& other : node.shared)
            is_taken = is_taken || holds_lock(other, *file);
    if (is_taken && (operation & LOCK_NB) == 0)
        world->violation("blocked for ever: flock on " + file->path + " waits and the simulation has one thread");
    if (is_taken) return answer(EWOULDBLOCK);
    if (wants_all)
        node.exclusive = file;
    else
        node.shared.push_back(file);
    return 0;
}

int __wrap_chmod(const char* path, mode_t mode) {
    return simulated(path) ? 0 : __real_chmod(path, mode);
}

// Everything there is its one user's.
int __wrap_faccessat(int directory, const char* path, int mode, int flags) {
    if (!simulated(path)) return __real_faccessat(directory, path, mode, flags);
    return world->disk.find(path) ? 0 : answer(ENOENT);
}

ssize_t __wrap_readlink(const char* path, char* into, size_t size) {
    if (!simulated(path)) return __real_readlink(path, into, size);
    return answer(world->disk.find(path) ? EINVAL : ENOENT);
}

char* __wrap_realpath(const char* path, char* into) {
    if (!simulated(path)) return __real_realpath(path, into);
    if (!world->disk.find(path)) {
        errno = ENOENT;
        return nullptr;
    }
    if (!into) return strdup(path);
    return std::strcpy(into, path);
}

int __wrap_statvfs(const char* path, struct statvfs* info) {
    if (!simulated(path)) return __real_statvfs(path, info);
    *info = {};
    info->f_bsize = info->f_frsize = 4096;
    info->f_blocks = 1UL << 28U;
    info->f_bavail = info->f_bfree = 1UL << 27U; // a disk is full when it says so, not when it is asked
    return 0;
}

off64_t __wrap_lseek64(int fd, off64_t offset, int from) {
    if (!simulated(fd)) return __real_lseek64(fd, offset, from);
    const auto file = world->file_of(fd);
    if (!file) return answer(EBADF);
    const auto base = from == SEEK_SET   ? 0
                      : from == SEEK_CUR ? static_cast<off64_t>(file->at)
                                         : static_cast<off64_t>(file->node->bytes.size());
    file->at = static_cast<std::size_t>(base + offset);
    return base + offset;
}

} // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
