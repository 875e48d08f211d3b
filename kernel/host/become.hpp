// SPDX-License-Identifier: Apache-2.0
// Ends being castra and becomes another program, in this process: it has the terminal, the signals and the exit code.
// Errors: not_found, io. Returns only then.
#pragma once
#include "base/result.hpp"

#include <string>
#include <vector>

namespace castra {

// argv[0] is looked up in PATH; our environment goes along, no descriptor above 2 does.
Error become(const std::vector<std::string>& argv);

} // namespace castra
