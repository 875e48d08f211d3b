// SPDX-License-Identifier: Apache-2.0
#include "operations/image_recipes.hpp"

#include <algorithm>
#include <vector>

namespace castra {

bool has_recipe(const std::filesystem::path& share_dir, const std::string& name) {
    std::error_code error;
    return std::filesystem::exists(share_dir / "images" / name / "build", error);
}

std::string recipes_in(const std::filesystem::path& share_dir) {
    std::vector<std::string> names;
    std::error_code error;
    for (auto at = std::filesystem::directory_iterator(share_dir / "images", error);
         !error && at != std::filesystem::end(at); at.increment(error))
        if (has_recipe(share_dir, at->path().filename())) names.push_back(at->path().filename());
    std::ranges::sort(names);
    std::string all;
    for (const auto& name : names)
        all += (all.empty() ? "" : ", ") + name;
    return all.empty() ? "none" : all;
}

} // namespace castra
