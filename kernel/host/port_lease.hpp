// SPDX-License-Identifier: Apache-2.0
// A port of this machine held by name, not by a bound socket, so that QEMU can bind it (docs/decisions/0003). The
// holder is an abstract unix socket: like ports it lives in the network namespace and ends with its last descriptor. It
// is inherited by the VM's process, so a lease lasts as long as the VM even when castra is killed.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <string>

namespace castra {

struct PortLease {
    std::uint16_t port = 0;
    std::string protocol;
    UniqueFd holder;
};

// Below Linux's ephemeral range, so that no outgoing connection takes one.
inline constexpr unsigned automatic_ports_first = 20000, automatic_ports_count = 10000;

// `address`: IPv4; 0.0.0.0 is all of them, held by one holder and against every other. Two holders of one port at
// different addresses do not meet. `protocol`: tcp, udp. Errors: busy, another castra has it or somebody has bound it.
Result<PortLease> take_port(const std::string& address, std::uint16_t port, const std::string& protocol);

} // namespace castra
