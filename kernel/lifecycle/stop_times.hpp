// SPDX-License-Identifier: Apache-2.0
// How long a stop waits for a VM at each stage: for the guest to power itself down, after SIGTERM, after SIGKILL. Pure.
#pragma once
#include "base/units.hpp"

#include <map>
#include <optional>
#include <string>

namespace castra {

struct StopTimes {
    Milliseconds graceful{20000}, sigterm{10000}, sigkill{5000};

    // The same, but SIGKILL comes no later than `limit` after the stop began.
    StopTimes within(Milliseconds limit) const;
    bool operator==(const StopTimes&) const = default;
};

// Of a whole fleet.
struct StopPlan {
    StopTimes usual;
    std::map<std::string, StopTimes> of_vm; // VMs of their own kind
    std::optional<Milliseconds> limit;      // of all, as in within(); absent: none

    StopTimes of(const std::string& vm) const;
};

} // namespace castra
