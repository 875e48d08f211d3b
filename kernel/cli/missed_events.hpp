// SPDX-License-Identifier: Apache-2.0
// The rest of a run whose supervisor has let go of its client, which read too slowly: out of the run's journal.
#pragma once
#include "host/host.hpp"
#include "state/layout.hpp"

#include <functional>

namespace castra {

// Each line behind `seq`, without its line feed, as it is written. Returns at the run's summary, when the supervisor
// has ended, or when `cancel` opens. Thread: the kernel's.
Task<> tell_missed_events(Host& host, Layout layout, std::string run_id, std::int64_t seq, ProcessId supervisor,
                          std::shared_ptr<Gate> cancel, std::function<void(const std::string&)> tell);

} // namespace castra
