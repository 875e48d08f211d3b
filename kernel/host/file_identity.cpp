// SPDX-License-Identifier: Apache-2.0
#include "host/file_identity.hpp"

#include <sys/stat.h>

namespace castra {
namespace {

std::int64_t nanoseconds(const timespec& moment) {
    return static_cast<std::int64_t>(moment.tv_sec) * 1'000'000'000 + moment.tv_nsec;
}

} // namespace

Result<FileIdentity> identity_of(const std::filesystem::path& file) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0)
        return errno == ENOENT ? Result<FileIdentity>(fail(ErrorCode::not_found, file.string() + " does not exist"))
                               : fail_errno("look at " + file.string());
    return FileIdentity{info.st_dev, info.st_ino, info.st_size, nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

} // namespace castra
