// SPDX-License-Identifier: Apache-2.0
// The registry as one JSON document: every fact of the contract that a reader can rely on. What the differ compares,
// and what tests/contract/snapshots/ keeps of each release. Order of fields and types has no meaning in it.
//
// {"snapshot":1, "contract":"1.0", "wire":{...}, "severities":[...], "families":[...], "exit_codes":[...],
// "rules":[...],
//  "reader_duties":[...], "security_decisions":[...], "envelope":[field...], "types":[{..., "fields":[field...]}]}
// field:
// {"name","type","unit"?,"pattern"?,"required","closed"?|"open"?,"masked"?,"deprecated"?,"meaning","since","example"?,
//  "members"?,"items"?}
#pragma once
#include "contract/registry.hpp"

#include <tl/expected.hpp>

namespace castra::contract {

inline constexpr int snapshot_format = 1;

Json snapshot(const Registry& of = registry());

// Errors: why the text is no snapshot that this build can compare.
tl::expected<Json, std::string> read_snapshot(std::string_view text);

} // namespace castra::contract
