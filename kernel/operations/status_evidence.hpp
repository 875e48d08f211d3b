// SPDX-License-Identifier: Apache-2.0
// `castra status --why`: for each VM the questions that its verdict rests on with their answers, and the events in the
// journals that led here: from the launch of this incarnation on, or of the last run that concerned it. Reads only.
// Limits: the youngest why_runs_max journals, the last why_events_max events of a VM.
#pragma once
#include "operations/vm_status.hpp"

namespace castra {

inline constexpr std::size_t why_runs_max = 100;
inline constexpr std::size_t why_events_max = 40;
inline constexpr Milliseconds why_socket_wait{1000}; // for a VM to say on its control socket who it is

// Requires: `vms` lives until then.
Task<> gather_evidence(Host& host, const Layout& layout, bool supervised, std::vector<VmStatus>& vms);

} // namespace castra
