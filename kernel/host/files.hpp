// SPDX-License-Identifier: Apache-2.0
// Small files, safely: directories 0700, files 0600, records replaced whole. Errors: io, naming the path.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace castra {

namespace files {
using Path = std::filesystem::path;

Result<> make_directories(const Path& path); // 0700 for those it makes
Result<std::string> read(const Path& path, std::size_t bytes_max);
// Temporary file in the same directory, synced, renamed over `path`, directory synced.
Result<> replace(const Path& path, std::string_view content, bool durable = true);
// Made when absent. Never waits, follows no link, takes no pipe: somebody may have put one in its place.
Result<UniqueFd> open_to_append(const Path& path);
bool exists(const Path& path); // a dangling symlink exists too
// Exists, is a directory and no link, belongs to this user, and nobody else may write to it. For what stands in /tmp.
Result<> make_private_directory(const Path& path);
Result<> remove(const Path& path);                    // absent is fine; never follows a symlink; not a directory
Result<> remove_tree(const Path& path);               // absent is fine; never follows symlinks
std::int64_t allocated_bytes(const Path& path);       // of a file or a tree; 0 when absent
Result<std::string> sha256_of_file(const Path& path); // lower-case hex
std::string sha256_of(std::string_view bytes);
std::string decode_base64(std::string_view text);             // empty when it is none
std::string tail_of(const Path& path, std::size_t bytes_max); // empty when unreadable
} // namespace files

} // namespace castra
