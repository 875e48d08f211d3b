// SPDX-License-Identifier: Apache-2.0
// The broker launchers that an embedder need not write: the broker as a process of its own, and none. What the plugins
// broker-process and broker-none are to castra's own programs.
#pragma once
#include "operations/broker_launcher.hpp"

#include <filesystem>

namespace castra {

// Runs `cli broker`. The path is the embedder's to say: the running program is not castra, and nothing is guessed.
class ProcessBrokerLauncher final : public BrokerLauncher {
public:
    explicit ProcessBrokerLauncher(std::filesystem::path cli) : cli_(std::move(cli)) {}
    std::string id() const override { return "broker-process"; }
    // Errors: usage when the path is not absolute; not_found when no program is there.
    Result<sdk::BrokerPlan> plan(const sdk::BrokerPlanRequest& request) override;

private:
    std::filesystem::path cli_;
};

// A project without a broker, whatever its castra.toml says.
class NoBrokerLauncher final : public BrokerLauncher {
public:
    std::string id() const override { return "broker-none"; }
    Result<sdk::BrokerPlan> plan(const sdk::BrokerPlanRequest&) override { return sdk::BrokerPlan(); }
};

} // namespace castra
