// SPDX-License-Identifier: Apache-2.0
// One mistake in castra.toml: where it stands, what is wrong, and the usual cure.
#pragma once
#include <string>
#include <vector>

namespace castra {

struct ConfigError {
    std::string file;
    int line = 0; // from 1; 0: the file as a whole
    int column = 0;
    std::string key;  // dotted, "vms[1].memory"; may be empty
    std::string text; // what is wrong
    std::string hint; // the cure; may be empty

    friend bool operator==(const ConfigError&, const ConfigError&) = default;
};

using ConfigErrors = std::vector<ConfigError>;

// castra.toml:12:5: vms[0].memory: "2 GX" has an unknown unit (write a size such as "2 GiB")
std::string to_string(const ConfigError& error);

} // namespace castra
