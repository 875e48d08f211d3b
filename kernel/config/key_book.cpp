// SPDX-License-Identifier: Apache-2.0
#include "config/key_book.hpp"

#include <algorithm>

namespace castra {

void KeyBook::require(std::string table, std::vector<std::string> keys) {
    Demand demand{std::move(table), std::move(keys)};
    if (std::ranges::find(demands_, demand) == demands_.end()) demands_.push_back(std::move(demand));
}

void KeyBook::narrow(std::string table, nlohmann::json schema) {
    Narrowing narrowing{std::move(table), std::move(schema)};
    if (std::ranges::find(narrowings_, narrowing) == narrowings_.end()) narrowings_.push_back(std::move(narrowing));
}

void KeyBook::lay(std::string vm, std::vector<std::string> places) {
    layers_.push_back({std::move(vm), std::move(places)});
}

} // namespace castra
