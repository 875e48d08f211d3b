// SPDX-License-Identifier: Apache-2.0
// Which ports of this machine lead into a VM now, as the VM's own process says, by the query its launcher planned.
// Knows no protocol. Thread: the executor's.
#pragma once
#include "castra/sdk/launch_plan.hpp"
#include "host/host.hpp"

namespace castra {

inline constexpr std::size_t live_ports_max = 4096;

// What the answer names, in its order; "*" becomes 0.0.0.0. Rows that are none are left out. Errors: protocol (the
// launcher's expression is none).
Result<std::vector<sdk::PortForward>> ports_in(const std::string& answer, const std::string& row);

// `plan`: as carried out. Absent: its launcher planned no query. Errors: timeout, io, protocol.
Task<Result<std::optional<std::vector<sdk::PortForward>>>> live_ports(Host& host, const sdk::LaunchPlan& plan,
                                                                      Milliseconds deadline);

} // namespace castra
