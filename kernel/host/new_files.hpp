// SPDX-License-Identifier: Apache-2.0
// Files and directories that were not there before: nothing is ever replaced. Errors: busy (it is there), io.
#pragma once
#include "base/result.hpp"

#include <filesystem>
#include <string_view>

namespace castra::files {

// The whole of `content`, or no file. Mode as the umask says: it is the user's file.
Result<> make_new(const std::filesystem::path& path, std::string_view content);
// A new one in `parent`, 0700, with a name that begins .castra-.
Result<std::filesystem::path> make_temporary_directory(const std::filesystem::path& parent);

} // namespace castra::files
