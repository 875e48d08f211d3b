// SPDX-License-Identifier: Apache-2.0
// Which images castra can build: <share>/images/NAME/build.
#pragma once
#include <filesystem>
#include <string>

namespace castra {

bool has_recipe(const std::filesystem::path& share_dir, const std::string& name);
std::string recipes_in(const std::filesystem::path& share_dir); // "tiny, other"; "none"

} // namespace castra
