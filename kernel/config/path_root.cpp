// SPDX-License-Identifier: Apache-2.0
#include "config/path_root.hpp"

#include <algorithm>
#include <filesystem>

namespace castra {

Result<std::string> PathRoot::resolve(std::string_view path) const {
    namespace fs = std::filesystem;
    if (path.empty()) return fail(ErrorCode::config_invalid, "the path is empty", "write a path, or remove the key");
    fs::path full = fs::path(directory) / path;
    if (path.front() == '~') {
        if (path.size() > 1 && path[1] != '/')
            return fail(ErrorCode::config_invalid, "only \"~/\" is understood, not the home of another user",
                        "write the whole path; for a file that begins with ~ write \"./~\"");
        if (home.empty())
            return fail(ErrorCode::config_invalid, "\"~\" has no meaning here: HOME is not set",
                        "set HOME, or write the whole path");
        full = fs::path(home) / path.substr(std::min<std::size_t>(2, path.size()));
    }
    std::string text = full.lexically_normal().string();
    while (text.size() > 1 && text.back() == '/')
        text.pop_back();
    return text;
}

} // namespace castra
