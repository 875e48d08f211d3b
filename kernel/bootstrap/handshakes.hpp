// SPDX-License-Identifier: Apache-2.0
// The seam between bootstrap and whoever talks to guests: waits for a guest's hello. Knows nothing of sockets.
// Invariant: only a handshake of the named incarnation counts; one of an earlier boot never does.
// Thread: the kernel's. Owner: whoever builds the kernel; outlives every bootstrap.
#pragma once
#include "base/result.hpp"
#include "base/units.hpp"
#include "host/async.hpp"

#include <string>
#include <vector>

namespace castra {

struct Handshake {
    std::string session;
    std::string identity; // what the guest called itself, proved
    std::vector<std::string> capabilities;
};

class Handshakes {
public:
    virtual ~Handshakes() = default;
    // Whether this VM's guest is going to say hello at all. If not, vm.ready is what there is.
    virtual bool are_expected(const std::string& vm) const = 0;
    // At once when this incarnation has a session already. `identity` empty: any. Errors: timeout, cancelled (the gate
    // opened), not_found (nobody can come any more: the broker is gone).
    virtual Task<Result<Handshake>> wait(std::string vm, std::string incarnation, std::string identity,
                                         Milliseconds timeout, Gate& cancel) = 0;
};

} // namespace castra
