// SPDX-License-Identifier: Apache-2.0
// One sample event of every registered type, built from the examples in the registry: each field of the type's own, and
// of the envelope what every event has or this type requires. Valid against the closed schema one by one; not a run.
#pragma once
#include "contract/registry.hpp"

namespace castra::contract {

std::vector<Json> sample_events(const Registry& of = registry());
// The same as NDJSON.
std::string sample_lines(const Registry& of = registry());

} // namespace castra::contract
