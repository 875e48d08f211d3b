// SPDX-License-Identifier: Apache-2.0
#include "broker-process/process_broker.hpp"

#include "castra/sdk/process_broker.hpp"
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
    return sdk::process_broker_plan(cli_, request);
}

} // namespace castra::broker_process
