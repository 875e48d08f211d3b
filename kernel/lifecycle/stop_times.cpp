// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/stop_times.hpp"

#include <algorithm>

namespace castra {

Milliseconds StopTimes::left_of(Milliseconds wait, Milliseconds elapsed) const {
    return limit ? std::min(wait, std::max(*limit - elapsed, Milliseconds(0))) : wait;
}

StopTimes StopPlan::of(const std::string& vm) const {
    const auto own = of_vm.find(vm);
    auto times = own != of_vm.end() ? own->second : usual;
    if (limit) times.limit = limit;
    return times;
}

} // namespace castra
