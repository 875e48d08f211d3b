// SPDX-License-Identifier: Apache-2.0
// --plan and --bootstrap, of castra up and castra bootstrap; and what --plan does.
#pragma once
#include "cli/app.hpp"
#include "cli/grammar.hpp"
#include "operations/project_plan.hpp"

namespace castra {

// The modes go into the request; whether it is a plan is the answer, after parsing.
std::shared_ptr<bool> add_bootstrap_options(Grammar& grammar, CLI::App* command);

Task<int> plan(App& app, CommandLine line, PlanOf what);

} // namespace castra
