// SPDX-License-Identifier: Apache-2.0
// How `castra broker` is started: the plan of broker-process, and of whoever starts the same program by other means.
// Requires: the absolute path of a castra program; nothing is guessed. Pure.
#pragma once
#include "castra/sdk/broker_launcher.hpp"

namespace castra::sdk {

inline BrokerPlan process_broker_plan(const std::string& cli, const BrokerPlanRequest& request) {
    BrokerPlan plan;
    plan.enabled = true;
    plan.argv = {cli,           "broker",    "--control-fd", "{fd:control}", "--notify-fd",
                 "{fd:notify}", "--host-fd", "{fd:host}",    "--state-dir",  request.paths.state_dir};
    if (request.port != 0) {
        plan.argv.emplace_back("--port");
        plan.argv.push_back(std::to_string(request.port));
    }
    plan.sockets.push_back({"host", request.paths.runtime_dir + "/b", ""});
    plan.readiness = {"notify", "", "", 10000};
    return plan;
}

} // namespace castra::sdk
