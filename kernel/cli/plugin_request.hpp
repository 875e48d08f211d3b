// SPDX-License-Identifier: Apache-2.0
// What a person wants of `castra plugin`.
#pragma once
#include <filesystem>
#include <string>

namespace castra {

struct PluginRequest {
    enum class Action { list, inspect, validate, make, check };
    Action action = Action::list;
    std::string target;       // inspect: a file or a name; validate, check: a file; make: the new name
    std::string kind;         // make: reporter, launcher, step, broker-launcher
    std::string parent = "."; // make: where the folder goes
    int level_max = 7;        // validate
    std::string junit;        // validate: a file for the report as JUnit XML
    std::string check;        // check: the one that this process is to make
    int report_fd = -1;       // check: where its verdict goes
};

} // namespace castra
