// SPDX-License-Identifier: Apache-2.0
// Runs tasks side by side and ends when the last has ended.
#pragma once
#include "host/async.hpp"

#include <vector>

namespace castra {

Task<> in_parallel(Executor executor, std::vector<Task<>> tasks);

} // namespace castra
