// SPDX-License-Identifier: Apache-2.0
// Rotation: path becomes path.1, path.1 becomes path.2, and so on up to `keep`, once it would outgrow its limit; always
// between two lines. Several castras may append to one file: whoever rotates holds a lock on it, and the others notice
// that the path leads elsewhere now. logrotate and people who move the file are noticed in the same way.
#pragma once
#include <cstdint>
#include <string>

namespace castra::ndjson {

struct RotationLimits {
    std::int64_t bytes_max = 0; // 0: never rotated by us
    std::int64_t keep = 5;      // old files
};

// Whether the path does not lead to the open file any more. False for what is no regular file.
bool is_moved(int fd, const std::string& path);

// Whether the file would outgrow its limit by `line` bytes behind `pending` ones. A line that is larger than the limit
// has a file of its own.
bool is_due(int fd, std::size_t pending, std::size_t line, const RotationLimits& limits);

// Does nothing while another process rotates the same file. Errors: Refusal (rename).
void rotate(int fd, const std::string& path, const RotationLimits& limits);

} // namespace castra::ndjson
