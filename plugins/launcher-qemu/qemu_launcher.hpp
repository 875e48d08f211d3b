// SPDX-License-Identifier: Apache-2.0
// VMs by qemu-system-x86_64. Returns plans only: the kernel runs the probe, makes overlays and sockets, owns the
// process.
#pragma once
#include "castra/sdk/launcher.hpp"
#include "launcher-qemu/options.hpp"

namespace castra::launcher_qemu {

class QemuLauncher : public sdk::Launcher {
public:
    explicit QemuLauncher(const Json& config) : config_(config) {}

    sdk::Requirements requirements(const sdk::RequirementsRequest& request) override;
    sdk::LaunchPlan plan(const sdk::PlanRequest& request) override;
    sdk::ExitExplanation explain_exit(const sdk::ExitReport& report) override;

private:
    Json config_; // defaults of the options
};

} // namespace castra::launcher_qemu
