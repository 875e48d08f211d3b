// SPDX-License-Identifier: Apache-2.0
// How a guest reaches its broker: the virtio-serial port that castra gave it, and the TCP address and secret that stand
// in fw_cfg. Finds and opens; speaks nothing.
#pragma once
#include "base/unique_fd.hpp"

#include <cstdint>
#include <string>

namespace castra::agent {

struct Ways {
    std::string port; // /dev/vport0p1; empty: none
    std::string vm, secret, address;
    std::uint16_t tcp_port = 0; // 0: none
    bool is_empty() const { return port.empty() && tcp_port == 0; }
};

Ways find_ways();
UniqueFd open_port(const std::string& path); // not blocking
UniqueFd connect_tcp(const std::string& address, std::uint16_t port, int wait_ms);

inline constexpr const char* local_socket = "/run/castra-agent.sock";
UniqueFd listen_local(); // root of the guest only
UniqueFd connect_local(int wait_ms);

std::int64_t now_ms();

} // namespace castra::agent
