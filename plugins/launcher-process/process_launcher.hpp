// SPDX-License-Identifier: Apache-2.0
// An ordinary process as the "machine": for services that need no VM, for tests, and as the launcher to copy.
// README.md explains it line by line.
#pragma once
#include "castra/sdk/launcher.hpp"

namespace castra::launcher_process {

class ProcessLauncher : public sdk::Launcher {
public:
    sdk::Requirements requirements(const sdk::RequirementsRequest& request) override;
    sdk::LaunchPlan plan(const sdk::PlanRequest& request) override;
    sdk::ExitExplanation explain_exit(const sdk::ExitReport& report) override;
};

} // namespace castra::launcher_process
