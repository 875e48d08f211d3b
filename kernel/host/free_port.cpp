// SPDX-License-Identifier: Apache-2.0
#include "host/free_port.hpp"

namespace castra {

Result<PortLease> lease_free_port(Host& host, const std::string& address, const std::string& protocol,
                                  const NamedPorts& named) {
    std::vector<PortLease> unwanted; // held until there is another, so that no port is offered twice
    while (true) {
        CASTRA_TRY(lease, host.lease_port(address, 0, protocol));
        if (!named.contains(lease.port)) return std::move(lease);
        unwanted.push_back(std::move(lease));
    }
}

} // namespace castra
