// SPDX-License-Identifier: Apache-2.0
#include "host/peer_process.hpp"

#include "host/system_process.hpp"

#include <sys/socket.h>

namespace castra {

Result<ProcessId> peer_process(const Stream& stream) {
    const auto fd = stream.duplicate();
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return fail_errno("read the peer's credentials");
    CASTRA_TRY(ticks, start_ticks_of(peer.pid));
    return ProcessId{peer.pid, ticks};
}

} // namespace castra
