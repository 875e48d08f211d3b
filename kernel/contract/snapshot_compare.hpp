// SPDX-License-Identifier: Apache-2.0
// What differs between two snapshots of the contract, fact by fact, each with its row of the checklist. A fact that is
// not known here is reported as such: nothing passes unseen.
#pragma once
#include "contract/checklist.hpp"
#include "contract/describe.hpp"

namespace castra::contract {

struct Difference {
    Row row;
    std::string where; // "vm.launch.pid", "rule 9", "exit code busy"
    std::string text;
};

struct Compared {
    std::vector<Difference> differences;
    std::vector<std::string> mistakes; // facts of `to` that cannot be, such as a wrong `since`
};

// Two that read_snapshot() has accepted.
Compared compare_snapshots(const Json& from, const Json& to);

} // namespace castra::contract
