// SPDX-License-Identifier: Apache-2.0
// Which process is on the other side of a connected unix socket: the one that called connect() or listen().
#pragma once
#include "host/process.hpp"
#include "host/stream.hpp"

namespace castra {

// Errors: io; not_found when it has ended.
Result<ProcessId> peer_process(const Stream& stream);

} // namespace castra
