// SPDX-License-Identifier: Apache-2.0
// Reading directories: see file_calls.cpp.
#include "wrapped.hpp"

#include <cstring>
#include <dirent.h>
#include <fcntl.h>

using namespace castra::sim;

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {
DIR* __real_opendir(const char*);
DIR* __real_fdopendir(int);
struct dirent* __real_readdir(DIR*);
int __real_closedir(DIR*);
int __real_dirfd(DIR*);
int __wrap_close(int);
}

namespace {

// An open directory that is being read.
struct Listing {
    std::vector<dirent> entries;
    std::size_t at = 0;
    int fd = -1;
};
std::set<void*>& listings() {
    static std::set<void*> all;
    return all;
}

DIR* list(const OpenFile& file, int fd) {
    auto listing = std::make_unique<Listing>();
    listing->fd = fd;
    for (const auto& [name, node] : file.node->entries) {
        dirent entry{};
        entry.d_ino = node->number;
        entry.d_type = node->kind == Node::Kind::directory ? DT_DIR
                       : node->kind == Node::Kind::socket  ? DT_SOCK
                                                           : DT_REG;
        std::strncpy(entry.d_name, name.c_str(), sizeof entry.d_name - 1);
        listing->entries.push_back(entry);
    }
    for (std::size_t i = listing->entries.size(); i > 1; --i) // a directory has no order
        std::swap(listing->entries[i - 1],
                  listing->entries[static_cast<std::size_t>(world->random.below(static_cast<std::int64_t>(i)))]);
    auto* raw = listing.release();
    listings().insert(raw);
    return reinterpret_cast<DIR*>(raw);
}

} // namespace

extern "C" {

DIR* __wrap_fdopendir(int fd) {
    if (!simulated(fd)) return __real_fdopendir(fd);
    const auto file = world->file_of(fd);
    if (file && file->node) return list(*file, fd);
    errno = EBADF;
    return nullptr;
}

DIR* __wrap_opendir(const char* path) {
    if (!simulated(path)) return __real_opendir(path);
    const int fd = sim_open(path, O_RDONLY | O_DIRECTORY);
    return fd < 0 ? nullptr : __wrap_fdopendir(fd);
}

struct dirent* __wrap_readdir(DIR* stream) {
    if (!listings().contains(stream)) return __real_readdir(stream);
    auto& listing = *reinterpret_cast<Listing*>(stream);
    return listing.at < listing.entries.size() ? &listing.entries[listing.at++] : nullptr;
}

int __wrap_closedir(DIR* stream) {
    if (listings().erase(stream) == 0) return __real_closedir(stream);
    const std::unique_ptr<Listing> listing(reinterpret_cast<Listing*>(stream));
    return __wrap_close(listing->fd);
}

int __wrap_dirfd(DIR* stream) {
    return listings().contains(stream) ? reinterpret_cast<Listing*>(stream)->fd : __real_dirfd(stream);
}

} // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
