// SPDX-License-Identifier: Apache-2.0
// --plan and --bootstrap, of castra up and castra bootstrap; and what --plan does.
#pragma once
#include "cli/app.hpp"
#include "cli/grammar.hpp"
#include "operations/project_plan.hpp"

namespace castra {

// --bootstrap: the modes go into the request.
void add_mode_option(Grammar& grammar, CommandWords command);
// And --plan: whether it is one is the answer, after parsing.
std::shared_ptr<bool> add_bootstrap_options(Grammar& grammar, CommandWords command);

Task<int> plan(App& app, CommandLine line, PlanOf what);

} // namespace castra
