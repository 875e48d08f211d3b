// SPDX-License-Identifier: Apache-2.0
#include "broker-process/process_broker.hpp"

#include "castra/sdk/refusal.hpp"

namespace castra::broker_process {

ProcessBroker::ProcessBroker(const sdk::Json& config) {
    const auto found = config.find("cli");
    if (found == config.end() || !found->is_string() || !found->get_ref<const std::string&>().starts_with('/'))
        throw sdk::Refusal({.code = "invalid_config",
                            .title = "cli must be the absolute path of a castra program",
                            .field_path = "/cli",
                            .hint = "write cli = \"/usr/bin/castra\" in [broker]"});
    cli_ = found->get<std::string>();
}

sdk::BrokerPlan ProcessBroker::plan(const sdk::BrokerPlanRequest& request) {
    sdk::BrokerPlan plan;
    plan.enabled = true;
    plan.argv = {cli_,          "broker",    "--control-fd", "{fd:control}", "--notify-fd",
                 "{fd:notify}", "--host-fd", "{fd:host}",    "--state-dir",  request.paths.state_dir};
    if (request.port != 0) {
        plan.argv.emplace_back("--port");
        plan.argv.push_back(std::to_string(request.port));
    }
    plan.sockets.push_back({"host", request.paths.runtime_dir + "/b", ""});
    plan.readiness = {"notify", "", "", 10000};
    return plan;
}

} // namespace castra::broker_process
