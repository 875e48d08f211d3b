// SPDX-License-Identifier: Apache-2.0
// What a bootstrap sends to the guest, measured: every byte, name and mode that can make a difference has a part in a
// hash. Reads the files, so it belongs to a worker; follows no symbolic link.
// Limits: see below. Errors: preflight, naming the file: it is missing, no regular file or directory, unreadable, or a
// link that leads out of the payload.
#pragma once
#include "base/result.hpp"
#include "config/project_config.hpp"
#include "state/digest_cache.hpp"

#include <cstdint>

namespace castra {

inline constexpr std::size_t payload_entries_max = 100'000;
inline constexpr int payload_depth_max = 64;

// Shape of the hashes: "sha256:" and 64 digits; that of nothing is empty.
struct Artifact {
    std::string script_hash, payload_hash, env_hash;
    std::string content_hash;  // of script and payload: what is sent as files
    std::string artifact_hash; // of those and the environment
    std::int64_t payload_bytes = 0;
    bool has_payload = false;
};

// Digests of large files that were read before.
struct KnownDigests {
    static constexpr std::int64_t file_bytes_min = 8LL << 20; // smaller ones are read again sooner than looked up
    DigestCache cache;
    bool may_remember = true; // false: writes nothing
};

Result<Artifact> measure_artifact(const BootstrapConfig& config, const KnownDigests& known);

// "sha256:..." of a list of texts, in which none can take the place of another.
std::string hash_of(const std::vector<std::string>& parts);

} // namespace castra
