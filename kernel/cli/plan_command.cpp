// SPDX-License-Identifier: Apache-2.0
// castra plan: what castra up would do. The same as castra up --plan.
#include "cli/bootstrap_options.hpp"
#include "cli/commands.hpp"

namespace castra {

void add_plan(Grammar& grammar) {
    auto plan = grammar.add("plan", "Tell what castra up would do; nothing is touched, no guest is asked",
                            [](App& app, const CommandLine& line) { return castra::plan(app, line, PlanOf::up); });
    grammar.add_run(plan, Operation::plan);
    add_mode_option(grammar, plan);
    plan.flag("--replace", grammar.line().request.replace, "As castra up --replace would");
    plan.footer("\nThe same as castra up --plan. Fails as castra up would where that is known beforehand.\n"
                "Example: castra plan --events ndjson");
}

} // namespace castra
