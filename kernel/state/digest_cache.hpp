// SPDX-License-Identifier: Apache-2.0
// SHA-256 digests of files that were hashed once, by what makes a file the same: device, inode, size, mtime and ctime.
// One file for all projects, $XDG_CACHE_HOME/castra/digests.json, replaced whole; two writers at once lose one entry,
// which costs a hash. A damaged file is an empty cache. Limits: entries_max, the oldest go.
#pragma once
#include "host/file_identity.hpp"
#include "state/layout.hpp"

#include <optional>
#include <string>

namespace castra {

class DigestCache {
public:
    static constexpr std::size_t entries_max = 256;
    // Within it a second write may leave all five as they were: such a young file is not remembered.
    static constexpr std::int64_t settled_ns = 100'000'000;

    explicit DigestCache(std::filesystem::path file) : file_(std::move(file)) {}
    // The one that all projects share.
    static DigestCache of(const Environment& environment) {
        return DigestCache(cache_dir(environment) / "digests.json");
    }

    std::optional<std::string> find(const FileIdentity& identity) const;
    // `now_unix_us`: when the hashing began. Errors: io.
    Result<> remember(const FileIdentity& identity, const std::string& sha256, std::int64_t now_unix_us) const;
    // Of a file that castra itself has made, in a place where nobody else writes: however young. Errors: io.
    Result<> remember_own(const FileIdentity& identity, const std::string& sha256) const;

private:
    std::filesystem::path file_;
};

} // namespace castra
