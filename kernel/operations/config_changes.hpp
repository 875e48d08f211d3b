// SPDX-License-Identifier: Apache-2.0
// That a VM runs with another configuration than castra.toml has now, as an event: of up, and of its plan. Pure.
#pragma once
#include "contract/event.hpp"
#include "lifecycle/spec_diff.hpp"

namespace castra {

enum class ChangeAnswer { refused, replaced, would_be_replaced };

// A warning with its cure when it is refused.
contract::Draft config_changed(const std::string& vm, const std::vector<SpecChange>& changes, ChangeAnswer answer);

} // namespace castra
