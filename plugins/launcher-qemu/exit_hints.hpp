// SPDX-License-Identifier: Apache-2.0
// Well-known last words of QEMU and of guests, and what a person should try.
#pragma once
#include "castra/sdk/launch_plan.hpp"

namespace castra::launcher_qemu {

// Empty when nothing is known.
std::string hint_for(const sdk::ExitReport& report);

} // namespace castra::launcher_qemu
