// SPDX-License-Identifier: Apache-2.0
// A new plugin's folder from the templates of the SDK: it builds outside of castra's tree with what is installed.
// Errors: usage (an impossible name, an unknown kind, a folder that exists already: nothing is overwritten), io.
#pragma once
#include "operations/project.hpp"

namespace castra {

struct NewPlugin {
    std::string kind; // reporter, launcher, step, broker-launcher
    std::string name; // "mine" becomes the id reporter-mine
    std::filesystem::path parent;
};
struct MadePlugin {
    std::string id;
    std::filesystem::path folder;
    std::vector<std::filesystem::path> files;
};
Result<MadePlugin> make_plugin_folder(const Installation& installation, const NewPlugin& wanted);

} // namespace castra
