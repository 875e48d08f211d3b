// SPDX-License-Identifier: Apache-2.0
// A free port for somebody who did not say which: as Host::lease_port(0), but none that somebody else will ask for by
// its number. Errors: busy.
#pragma once
#include "host/host.hpp"

#include <set>

namespace castra {

using NamedPorts = std::set<std::uint16_t>;

Result<PortLease> lease_free_port(Host& host, const std::string& address, const std::string& protocol,
                                  const NamedPorts& named);

} // namespace castra
