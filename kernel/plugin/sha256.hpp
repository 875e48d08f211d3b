// SPDX-License-Identifier: Apache-2.0
// SHA-256 as 64 lower-case hex digits: of a manifest, of a plugin's file. Never holds a whole file in memory.
#pragma once
#include "base/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace castra {

std::string sha256_of(std::string_view bytes);
// Errors: the file cannot be read.
Result<std::string> sha256_of_file(const std::filesystem::path& path);

} // namespace castra
