// SPDX-License-Identifier: Apache-2.0
#include "config/named_ports.hpp"

namespace castra {

std::set<std::uint16_t> named_ports(const ProjectConfig& project) {
    std::set<std::uint16_t> ports{project.broker.port};
    for (const auto& vm : project.vms)
        for (const auto& forward : vm.port_forwards)
            ports.insert(forward.host);
    ports.erase(0);
    return ports;
}

} // namespace castra
