// SPDX-License-Identifier: Apache-2.0
// What each family of events is about. A reader who does not know a type acts on its family.
#pragma once
#include "contract/enums.hpp"

namespace castra::contract {

// In the order of the enumerators.
inline constexpr std::array<std::string_view, EnumText<Family>::values.size()> family_meanings{
    "Whether castra takes a command on; opens every run.",
    "Something for a person, or for a program that knows the `code`.",
    "The life of one virtual machine. Every event names its `vm`.",
    "The steps that make a machine that runs into one that is set up.",
    "The broker that lets guests and hosts find each other.",
    "What castra removes of its own.",
    "How the run ended; seals every run.",
};

constexpr std::string_view meaning_of(Family family) {
    return family_meanings[static_cast<std::size_t>(family)];
}

} // namespace castra::contract
