// SPDX-License-Identifier: Apache-2.0
// The checks of each level, a file a level, and what they have in common. Only for a child that exists for one check.
#pragma once
#include "validator/check.hpp"
#include "validator/subject.hpp"

#include <chrono>
#include <functional>

namespace castra {

struct Bench {
    std::filesystem::path file, host_program, scratch;
};

struct LevelCheck {
    const char* name;
    CheckResult (*examine)(Subject&, const Bench&); // null: a check of loading itself, see load_check
};

// Level 2 and the check of level 3 that loading makes. The subject is loaded by the check.
CheckResult load_check(const Bench& bench, std::string_view name);
std::vector<LevelCheck> load_checks();   // 2
std::vector<LevelCheck> shape_checks();  // 3
std::vector<LevelCheck> config_checks(); // 4
std::vector<LevelCheck> kind_checks();   // 5
std::vector<LevelCheck> cancel_checks(); // 6
std::vector<LevelCheck> fault_checks();  // 7

// For each kind a fresh instance; the first complaint counts.
CheckResult each_kind(Subject& subject, const std::function<std::string(const std::string&, void*)>& examine,
                      const std::string& hint);
// What is wrong with an answer to a proper request; empty: nothing.
std::string problem_of(const std::string& kind, const SlotRequest& asked, const SlotAnswer& answer);
std::string told(const SlotAnswer& answer); // ": " and its error, if there is one
std::size_t entries_of(const char* dir);
CheckResult kind_answers(Subject& subject, const Bench& bench); // once more at level 7, with a host that refuses

} // namespace castra
