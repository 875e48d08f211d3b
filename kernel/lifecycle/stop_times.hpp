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

    std::optional<Milliseconds> limit; // SIGKILL comes no later than this after the stop began; absent: no limit

    // What of `wait` is left, one of the first two, when the stop has lasted `elapsed` so far.
    Milliseconds left_of(Milliseconds wait, Milliseconds elapsed) const;
    bool operator==(const StopTimes&) const = default;
};

// Of a whole fleet.
struct StopPlan {
    StopTimes usual;
    std::map<std::string, StopTimes> of_vm; // VMs of their own kind
    std::optional<Milliseconds> limit;      // of all; absent: none

    StopTimes of(const std::string& vm) const;
};

} // namespace castra
