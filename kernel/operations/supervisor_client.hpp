// SPDX-License-Identifier: Apache-2.0
// The other end of the supervisor's socket: finds the project's supervisor or starts one, hands over a request.
#pragma once
#include "operations/request.hpp"
#include "operations/workshop.hpp"

namespace castra {

// A connection to a supervisor that is ready to take a request. With `start`, one is started when none answers; two
// callers at once start one. Errors: not_found (none runs and `start` is false), busy, io, timeout.
Task<Result<Stream>> connect_supervisor(Workshop& workshop, const Layout& layout, const std::string& config_path,
                                        bool start);

} // namespace castra
