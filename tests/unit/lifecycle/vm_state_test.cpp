// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/vm_state.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

namespace castra {
namespace {

// docs/LIFECYCLE.md is the readable form of the table: every pair is compared with it.
std::set<std::string> documented() {
    std::ifstream page(CASTRA_SOURCE_DIR "/docs/LIFECYCLE.md");
    std::set<std::string> rows;
    bool inside = false;
    for (std::string line; std::getline(page, line);) {
        if (line == "<!-- /transitions -->") break;
        if (inside && !line.empty() && !line.starts_with("```")) rows.insert(line);
        if (line == "<!-- transitions -->") inside = true;
    }
    return rows;
}

TEST(VmState, IsTheTableOfItsPage) {
    std::set<std::string> rows;
    for (const auto from : vm_states)
        for (const auto step : vm_steps)
            if (const auto to = next_state(from, step)) {
                std::ostringstream row;
                row << to_string(from) << " " << to_string(step) << " " << to_string(*to);
                rows.insert(row.str());
            }
    EXPECT_EQ(rows, documented());
}

TEST(VmState, CanAlwaysBeGotRidOf) {
    for (const auto from : vm_states) {
        if (from == VmState::absent || from == VmState::preparing) continue;
        auto state = from;
        if (const auto stopping = next_state(state, VmStep::stop)) state = *stopping;
        if (const auto ended = next_state(state, VmStep::exited)) state = *ended;
        EXPECT_EQ(next_state(state, VmStep::discarded), VmState::absent) << to_string(from);
    }
}

} // namespace
} // namespace castra
