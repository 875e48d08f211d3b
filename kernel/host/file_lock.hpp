// SPDX-License-Identifier: Apache-2.0
// An advisory lock on a file (flock), which ends with its holder however that ends. The file names who holds it. Only
// its holder may remove it: whoever gets the lock on a file that is no longer there tries again with the new one.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <filesystem>

namespace castra {

class FileLock {
public:
    // Errors: busy, with what the holder wrote about itself; io.
    static Result<FileLock> try_lock(const std::filesystem::path& path, std::string_view holder);
    // Waits; for locks that are held for moments only. Errors: io, cancelled by a signal.
    static Result<FileLock> wait_lock(const std::filesystem::path& path, std::string_view holder = {});

    // Whether nobody holds it, without making or writing the file; no such file is fine. Errors: busy, io.
    static Result<> probe(const std::filesystem::path& path);

    // For a child: whoever has inherited it holds the lock too, until the last of them has ended.
    int fd() const { return fd_.get(); }

private:
    explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

} // namespace castra
