// SPDX-License-Identifier: Apache-2.0
#include "config/names.hpp"

#include "castra/sdk/nearest.hpp"
#include "config/limits.hpp"

#include <algorithm>

namespace castra {
namespace {

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

} // namespace

bool is_name(std::string_view text) {
    if (text.empty() || text.size() > limits::name_letters_max) return false;
    if (!is_letter_or_digit(text.front()) || !is_letter_or_digit(text.back())) return false;
    return std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    auto near = sdk::nearest(word, candidates);
    if (near.empty()) return std::nullopt;
    return near;
}

} // namespace castra
