// SPDX-License-Identifier: Apache-2.0
// Holds the conversation that a launcher planned on one of a VM's control sockets (for QEMU: QMP). Knows no protocol.
#pragma once
#include "castra/sdk/launch_plan.hpp"
#include "host/host.hpp"

namespace castra {

inline constexpr std::size_t control_line_bytes_max = 1 << 20;

// Every exchange answered in time; the last answer. Errors: timeout, io (no such socket), protocol (closed or too long
// a line).
Task<Result<std::string>> ask(Host& host, std::filesystem::path socket, std::vector<sdk::Exchange> exchanges,
                              Milliseconds deadline);
// The same on the socket that a plan calls `name`. Errors: protocol too, it is not planned.
Task<Result<std::string>> ask_planned(Host& host, const sdk::LaunchPlan& plan, std::string name,
                                      std::vector<sdk::Exchange> exchanges, Milliseconds deadline);
// The same, where it is enough that they were answered.
Task<Result<>> converse(Host& host, std::filesystem::path socket, std::vector<sdk::Exchange> exchanges,
                        Milliseconds deadline);

} // namespace castra
