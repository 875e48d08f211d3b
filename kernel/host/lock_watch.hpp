// SPDX-License-Identifier: Apache-2.0
// Waits until a lock of another process may be free, told by the system (inotify), not by looking again and again.
#pragma once
#include "base/result.hpp"
#include "host/host.hpp"

namespace castra {

// Returns at once when nobody holds the lock, otherwise when its holder has let go of it, however that ended. A hint:
// who takes the lock next is not decided. Ends early when the awaiting coroutine is cancelled. Errors: io.
Task<Result<>> lock_released(Host& host, std::filesystem::path lock);

} // namespace castra
