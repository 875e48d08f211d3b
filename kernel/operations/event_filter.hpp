// SPDX-License-Identifier: Apache-2.0
// Which events somebody wants to see. Pure.
#pragma once
#include "contract/enums.hpp"

#include <optional>
#include <string>
#include <vector>

namespace castra {

struct EventFilter {
    std::vector<std::string> types; // patterns such as "vm.*"; any of them; empty: all
    std::vector<std::string> vms;   // any of them; empty: all, also events of no VM
    std::optional<contract::Severity> severity_min;

    bool admits(const contract::Json& event) const;
};

std::optional<contract::Severity> severity_of(std::string_view text);

} // namespace castra
