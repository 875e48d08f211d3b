// SPDX-License-Identifier: Apache-2.0
#include "operations/process_broker_launcher.hpp"

#include "castra/sdk/process_broker.hpp"

#include <unistd.h>

namespace castra {

Result<sdk::BrokerPlan> ProcessBrokerLauncher::plan(const sdk::BrokerPlanRequest& request) {
    const auto doing = "the broker's program " + cli_.string();
    if (!cli_.is_absolute())
        return fail(ErrorCode::usage, doing + " is no absolute path",
                    "give the path of castra, such as /usr/bin/castra");
    if (::access(cli_.c_str(), X_OK) != 0)
        return fail(ErrorCode::not_found, doing + " cannot be run", "give the path of castra, such as /usr/bin/castra");
    return sdk::process_broker_plan(cli_, request);
}

} // namespace castra
