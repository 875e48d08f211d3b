// SPDX-License-Identifier: Apache-2.0
// Fields of an event, read without trust: an event of another minor may lack or change anything but its envelope, so
// absent and wrong type are the same here. Pure.
#pragma once
#include "castra/sdk/json.hpp"

#include <string>
#include <string_view>

namespace castra::console {

std::string text_of(const sdk::Json& from, const char* key);
double number_of(const sdk::Json& from, const char* key, double otherwise = 0);
// A number far outside of what it means is as good as none.
int small_number_of(const sdk::Json& from, const char* key);
const sdk::Json& child_of(const sdk::Json& from, const char* key); // an empty object when there is none

bool is_loud(std::string_view severity); // warn and above
std::string seconds(double value);       // "  1.40s"

} // namespace castra::console
