// SPDX-License-Identifier: Apache-2.0
// By what a file is known to be the same, unchanged: cheap to ask, and changed by every write to it.
#pragma once
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>

namespace castra {

struct FileIdentity {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size_bytes = 0, mtime_ns = 0, ctime_ns = 0;
    friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

// Follows links: what counts is the file that will be read. Errors: not_found, io.
Result<FileIdentity> identity_of(const std::filesystem::path& file);

} // namespace castra
