// SPDX-License-Identifier: Apache-2.0
// The word that somebody meant who mistyped another: for the hints of refusals.
#pragma once
#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace castra::sdk {
namespace detail {

// Letters to insert, to take away or to change, and neighbours to swap (optimal string alignment), three rows at a
// time.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
    std::iota(above.begin(), above.end(), std::size_t{0});
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

} // namespace detail

// The candidate nearest to `word`, if it is near enough to be meant; else empty. A word longer than word_bytes_max
// means none.
inline std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
    constexpr std::size_t word_bytes_max = 256; // time grows with both lengths
    std::string best;
    if (word.size() > word_bytes_max) return best;
    auto best_distance = std::max<std::size_t>(1, word.size() / 3) + 1; // one slip in three letters
    for (const auto& candidate : candidates) {
        const auto distance = detail::edit_distance(word, candidate);
        if (distance >= best_distance || distance >= candidate.size()) continue;
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
