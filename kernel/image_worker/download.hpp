// SPDX-License-Identifier: Apache-2.0
// One file by HTTP(S) into <file>.part, which is continued when it is there already; renamed to <file> when its digest
// is the wanted one. A wrong digest after a resumed download is tried once more from the beginning; a wrong digest of a
// fresh one is the server's. Blocks: it has a process of its own.
// Limits: tries_max broken connections in a row without a byte between them, redirects_max, stalled_seconds_max.
// Errors: io, timeout, preflight (wrong digest, disk full). What was left behind: the part, so that the next run goes
// on; nothing when its content is wrong or the disk is full.
#pragma once
#include "image_worker/worker_wire.hpp"

#include <filesystem>

namespace castra::image_worker {

inline constexpr int tries_max = 5;
inline constexpr long redirects_max = 10;
inline constexpr long connect_seconds_max = 30;
inline constexpr long stalled_seconds_max = 60;

// Where the store cannot be written, and where what is in it is no file.
inline constexpr auto cure_of_the_cache = "set XDG_CACHE_HOME to a directory that can be written";
inline constexpr auto cure_of_the_store = "castra clean --all --only images removes it; then castra up fetches it anew";

struct DownloadRequest {
    std::string url, sha256;
    std::filesystem::path file;
};

// Requires: the caller holds the lock of `file`.
Result<> download(const DownloadRequest& request, Wire& wire);

} // namespace castra::image_worker
