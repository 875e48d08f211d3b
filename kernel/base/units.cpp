// SPDX-License-Identifier: Apache-2.0
#include "base/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace castra {
namespace {

constexpr std::array<std::pair<std::string_view, double>, 10> units{{
    {"", 1048576.0},
    {"B", 1.0},
    {"KB", 1e3},
    {"MB", 1e6},
    {"GB", 1e9},
    {"TB", 1e12},
    {"KIB", 1024.0},
    {"MIB", 1048576.0},
    {"GIB", 1073741824.0},
    {"TIB", 1099511627776.0},
}};

std::string upper_without_spaces(std::string_view text) {
    std::string out;
    for (char c : text)
        if (c != ' ') out += (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
    return out;
}

} // namespace

Result<MemorySize> MemorySize::parse(std::string_view text) {
    auto refuse = [&](std::string_view why) {
        return fail(ErrorCode::config_invalid, "\"" + std::string(text) + "\" " + std::string(why),
                    "write a size such as \"512 MiB\" or \"2 GiB\"");
    };
    double amount = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
    if (error != std::errc() || !std::isfinite(amount)) return refuse("is not a memory size");
    const auto unit = upper_without_spaces(text.substr(static_cast<std::size_t>(end - text.data())));
    for (const auto& [name, factor] : units) {
        if (unit != name) continue;
        const double bytes = amount * factor;
        if (bytes < 1 || bytes > 9007199254740991.0) return refuse("is out of range");
        return MemorySize(static_cast<std::uint64_t>(bytes));
    }
    return refuse("has an unknown unit");
}

std::string to_string(MemorySize size) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 3> steps{
        {{" GiB", 1ULL << 30}, {" MiB", 1ULL << 20}, {" KiB", 1ULL << 10}}};
    for (const auto& [unit, factor] : steps)
        if (size.bytes() >= factor && size.bytes() % factor == 0)
            return std::to_string(size.bytes() / factor) + std::string(unit);
    return std::to_string(size.bytes()) + " B";
}

} // namespace castra
