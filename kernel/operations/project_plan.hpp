// SPDX-License-Identifier: Apache-2.0
// castra up --plan, castra bootstrap --plan: what would be done, in the event types of the run itself and without a
// side effect: no file is written, no guest is asked, no supervisor is started. What only a launch decides (an
// automatic port) is 0. Errors: through the stream.
#pragma once
#include "operations/run.hpp"
#include "operations/workshop.hpp"

namespace castra {

enum class PlanOf { up, bootstrap };

// `run` is of operation plan and has not begun.
Task<RunResult> plan_project(Workshop& workshop, Run& run, const Request& request, Project& project, PlanOf what,
                             Gate& cancel);

} // namespace castra
