// SPDX-License-Identifier: Apache-2.0
// One history: what a seed makes of a project, its people and its machine; then everything is healed, and castra must
// bring up, take down and clean as if nothing had been.
#pragma once
#include "checks.hpp"

namespace castra::sim {

struct Tally {
    std::map<std::string, std::int64_t> counts;
    void add(const std::string& what, std::int64_t more = 1) { counts[what] += more; }
};

struct Played {
    std::optional<std::string> violation;
    std::string trace;
};

Played play(std::uint64_t seed, SeamBug bug, bool traces, Tally& tally);

} // namespace castra::sim
