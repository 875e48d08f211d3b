// SPDX-License-Identifier: Apache-2.0
// Rule 18: registered type, its family, required fields, JSON types, enums, integer range, no null, no control
// characters. Pure; knows nothing of order.
#pragma once
#include "contract/describe.hpp"
#include "contract/violation.hpp"

namespace castra::contract {

// An event that was encoded or read. Errors: the first violation found, naming the field.
Check check_shape(const Json& event);

} // namespace castra::contract
