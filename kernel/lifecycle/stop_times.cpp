// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/stop_times.hpp"

#include <algorithm>

namespace castra {

StopTimes StopTimes::within(Milliseconds limit) const {
    StopTimes out = *this;
    out.graceful = std::min(graceful, limit);
    out.sigterm = std::min(sigterm, limit - out.graceful);
    return out;
}

StopTimes StopPlan::of(const std::string& vm) const {
    const auto own = of_vm.find(vm);
    const auto& times = own != of_vm.end() ? own->second : usual;
    return limit ? times.within(*limit) : times;
}

} // namespace castra
