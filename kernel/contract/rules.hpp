// SPDX-License-Identifier: Apache-2.0
// The rules of the contract as a table: what the bus refuses, what `castra events verify` finds, what docs/EVENTS.md
// prints. The numbers stand in contract_violation and never change. `clauses` name the single things that a rule
// demands, so that the differ can tell a rule that was weakened (a clause fewer) from one that was tightened or
// reworded. Pure data. The code that enforces them: monitor (order, and what an event says of others), encode and
// decode (shape).
#pragma once
#include <array>
#include <span>
#include <string_view>

namespace castra::contract {

struct Rule {
    int number;
    std::string_view subject; // what its events are about: run, promise, vm ...
    std::string_view name;
    std::string_view says;    // one sentence
    std::string_view clauses; // words, separated by blanks
};

std::span<const Rule, 20> rules(); // in the order of their numbers, 1 to 20
const Rule* find_rule(int number);

// What the contract asks of readers. To ask more is a major version: readers that are out there do not do it.
struct ReaderDuty {
    std::string_view name, says;
};
std::span<const ReaderDuty> reader_duties();

// Security decision records (docs/decisions/) that allowed a value to be masked less than in the release before.
std::span<const std::string_view> security_decisions();

} // namespace castra::contract
