// SPDX-License-Identifier: Apache-2.0
#include "config/names.hpp"

#include "config/limits.hpp"

#include <algorithm>

namespace castra {
namespace {

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment), three rows at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        above[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before.swap(above);
        above.swap(row);
    }
    return above[b.size()];
}

} // namespace

bool is_name(std::string_view text) {
    if (text.empty() || text.size() > limits::name_letters_max) return false;
    if (!is_letter_or_digit(text.front()) || !is_letter_or_digit(text.back())) return false;
    return std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    if (word.size() > 2 * limits::name_letters_max) return std::nullopt;
    std::optional<std::string> best;
    std::size_t nearest = std::max<std::size_t>(1, word.size() / 3) + 1; // one slip in three letters
    for (const auto& candidate : candidates) {
        const auto distance = edit_distance(word, candidate);
        if (distance >= nearest || distance >= candidate.size()) continue;
        nearest = distance;
        best = candidate;
    }
    return best;
}

} // namespace castra
