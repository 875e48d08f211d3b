// SPDX-License-Identifier: Apache-2.0
// What the ends of bootstraps mean for a run. Pure.
#pragma once
#include "bootstrap/pipeline.hpp"

namespace castra {

contract::VmOutcome outcome_of(const BootstrapResult& result);

// castra bootstrap: sets outcome and exit code; answers the summary's message. One that failed beside others that did
// not is partial.
std::string conclude_bootstraps(const std::map<std::string, BootstrapResult>& results, bool is_cancelled,
                                contract::Summary& summary);

// castra up: a VM whose bootstrap failed has failed and stands. Adds to `failures`.
void lay_over(const std::map<std::string, BootstrapResult>& results, std::vector<contract::VmResult>& vms,
              std::vector<Error>& failures);

} // namespace castra
