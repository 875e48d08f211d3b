// SPDX-License-Identifier: Apache-2.0
// Short ways to parse a text as /p/castra.toml, with the home /home/user.
#pragma once
#include "config/load.hpp"

#include <gtest/gtest.h>

namespace castra {

inline auto parse(std::string text) {
    return parse_project(std::move(text), "/p/castra.toml", {.home = "/home/user"});
}

// The project, or a failed test and an empty one.
inline ProjectConfig parsed(std::string text) {
    auto project = parse(std::move(text));
    if (project) return *std::move(project);
    for (const auto& error : project.error())
        ADD_FAILURE() << to_string(error);
    return {};
}

// What is wrong with the text, a line each, without the name of the file.
inline std::vector<std::string> refused(std::string text) {
    std::vector<std::string> out;
    const auto project = parse(std::move(text));
    if (project) return out;
    for (const auto& error : project.error()) {
        EXPECT_EQ(error.file, "/p/castra.toml");
        EXPECT_FALSE(error.hint.empty()) << to_string(error);
        out.push_back(to_string(error).substr(error.file.size() + 1));
    }
    return out;
}

// A project with one VM "web" whose table is open: what is added belongs to it, from line 6 on.
inline std::string with_vm(const std::string& more) {
    return "[project]\nname = \"p\"\n[[vms]]\nname = \"web\"\nimage = \"tiny\"\n" + more;
}

} // namespace castra
