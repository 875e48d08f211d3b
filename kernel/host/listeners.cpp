// SPDX-License-Identifier: Apache-2.0
#include "host/listeners.hpp"

#include "host/files.hpp"

#include <arpa/inet.h>
#include <sstream>

namespace castra {
namespace {

// A line: "0: 0100007F:1F90 00000000:0000 0A ...": local address, remote address, state, in the machine's byte order.
template <class Take>
void each_socket(std::string_view text, std::string_view state_wanted, Take take) {
    std::istringstream lines{std::string(text)};
    std::string line;
    std::getline(lines, line); // names of the columns
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string number, local, remote, state;
        if (!(words >> number >> local >> remote >> state) || state != state_wanted) continue;
        const auto colon = local.find(':');
        if (colon != 8) continue;
        in_addr address{};
        address.s_addr = static_cast<in_addr_t>(std::strtoul(local.substr(0, 8).c_str(), nullptr, 16));
        char dotted[INET_ADDRSTRLEN] = {};
        if (!inet_ntop(AF_INET, &address, dotted, sizeof dotted)) continue;
        take(std::string(dotted), static_cast<int>(std::strtoul(local.c_str() + 9, nullptr, 16)));
    }
}

} // namespace

Listeners Listeners::parse(std::string_view tcp, std::string_view udp) {
    Listeners out;
    each_socket(tcp, "0A", [&](std::string address, int port) { out.ports_.emplace("tcp", std::move(address), port); });
    each_socket(udp, "07", [&](std::string address, int port) { out.ports_.emplace("udp", std::move(address), port); });
    return out;
}

Listeners Listeners::now() {
    constexpr std::size_t bytes_max = 64 << 20;
    return parse(files::read("/proc/self/net/tcp", bytes_max).value_or(""),
                 files::read("/proc/self/net/udp", bytes_max).value_or(""));
}

bool Listeners::has(const std::string& address, int port, const std::string& protocol) const {
    return ports_.contains({protocol, address, port}) || ports_.contains({protocol, "0.0.0.0", port});
}

} // namespace castra
