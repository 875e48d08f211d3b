// SPDX-License-Identifier: Apache-2.0
#include "rotation.hpp"

#include "castra/sdk/refusal.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/file.h>
#include <sys/stat.h>

namespace castra::ndjson {
namespace {

void rename_file(const std::string& from, const std::string& to) {
    if (std::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
        throw sdk::Refusal({.code = "rename", .title = "rename " + from + " to " + to, .detail = std::strerror(errno)});
}

} // namespace

bool is_moved(int fd, const std::string& path) {
    struct stat ours {
    }, there{};
    if (::fstat(fd, &ours) != 0 || !S_ISREG(ours.st_mode)) return false;
    return ::stat(path.c_str(), &there) != 0 || there.st_dev != ours.st_dev || there.st_ino != ours.st_ino;
}

bool is_due(int fd, std::size_t pending, std::size_t line, const RotationLimits& limits) {
    struct stat status {};
    if (limits.bytes_max == 0 || ::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return false;
    const auto before = status.st_size + static_cast<std::int64_t>(pending);
    return before > 0 && before + static_cast<std::int64_t>(line) > limits.bytes_max;
}

void rotate(int fd, const std::string& path, const RotationLimits& limits) {
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 || is_moved(fd, path)) return; // somebody else does or did
    for (auto number = limits.keep - 1; number >= 1; --number)
        rename_file(path + "." + std::to_string(number), path + "." + std::to_string(number + 1));
    rename_file(path, path + ".1");
} // the lock goes with the descriptor, which nobody needs any more

} // namespace castra::ndjson
