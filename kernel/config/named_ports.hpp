// SPDX-License-Identifier: Apache-2.0
// Every port of the host that castra.toml names, on any address and for any protocol: none of them is automatic.
#pragma once
#include "config/project_config.hpp"

#include <set>

namespace castra {

std::set<std::uint16_t> named_ports(const ProjectConfig& project);

} // namespace castra
