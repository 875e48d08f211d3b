// SPDX-License-Identifier: Apache-2.0
// Rule 17: a conclusion that is a failure says so in the fields that every reader knows. No state: each event by
// itself.
#pragma once
#include "contract/event.hpp"
#include "contract/violation.hpp"

namespace castra::contract {

Check check_conclusion(const Event& event);

} // namespace castra::contract
