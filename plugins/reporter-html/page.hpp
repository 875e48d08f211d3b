// SPDX-License-Identifier: Apache-2.0
// The page around the events: what stands before and behind them in the file. Each file has a nonce of its own, so that
// only our script runs in it whatever an event says. Pure but for the random number.
#pragma once
#include <string>
#include <string_view>

namespace castra::html {

struct Page {
    std::string head, tail;
};
Page new_page();

// A journal line for between the two: no "<", so that no event ends the element that holds it.
std::string embedded(std::string_view line);

} // namespace castra::html
