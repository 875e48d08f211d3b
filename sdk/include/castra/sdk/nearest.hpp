// SPDX-License-Identifier: Apache-2.0
// The word that somebody meant who mistyped another: for the hints of refusals.
#pragma once
#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace castra::sdk {
namespace detail {

// Letters to insert, to take away or to change.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row[b.size()];
}

} // namespace detail

// The candidate nearest to `word`, if it is near enough to be meant; else empty. A word longer than word_bytes_max
// means none.
inline std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
    constexpr std::size_t word_bytes_max = 256; // time grows with both lengths
    std::string best;
    if (word.size() > word_bytes_max) return best;
    auto best_distance = (word.size() + 2) / 3 + 1; // swapped letters count as two
    for (const auto& candidate : candidates) {
        const auto distance = detail::edit_distance(word, candidate);
        if (distance >= best_distance) continue;
        best = candidate;
        best_distance = distance;
    }
    return best;
}

// The hint of a refusal that says an option is unknown: did you mean "accelerator"? options: machine, accelerator
inline std::string options_hint(std::string_view option, const std::vector<std::string>& known) {
    if (known.empty()) return "it has no options";
    const auto near = nearest(option, known);
    std::string hint = near.empty() ? "" : "did you mean \"" + near + "\"? ";
    hint += "options: ";
    for (const auto& name : known)
        hint += (&name == &known.front() ? "" : ", ") + name;
    return hint;
}

} // namespace castra::sdk
