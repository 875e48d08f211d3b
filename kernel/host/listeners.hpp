// SPDX-License-Identifier: Apache-2.0
// Which ports of this machine somebody listens on, as its kernel says (/proc/net). Nothing is connected to.
#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <tuple>

namespace castra {

class Listeners {
public:
    // As of now, in this network namespace. What cannot be read is empty.
    static Listeners now();
    // The text of /proc/net/tcp and /proc/net/udp.
    static Listeners parse(std::string_view tcp, std::string_view udp);

    // `address`: IPv4. Somebody who listens on 0.0.0.0 listens on it, too. `protocol`: tcp, udp.
    bool has(const std::string& address, int port, const std::string& protocol) const;

private:
    std::set<std::tuple<std::string, std::string, int>> ports_; // protocol, address, port
};

} // namespace castra
