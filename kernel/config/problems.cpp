// SPDX-License-Identifier: Apache-2.0
#include "config/problems.hpp"

#include "config/limits.hpp"

#include <algorithm>
#include <tuple>

namespace castra {

void Problems::add(Position at, std::string key, std::string text, std::string hint) {
    if (errors_.size() >= limits::errors_max) {
        ++dropped_;
        return;
    }
    errors_.push_back({file_, at.line, at.column, std::move(key), std::move(text), std::move(hint)});
}

ConfigErrors Problems::take() {
    std::ranges::stable_sort(errors_, {}, [](const ConfigError& e) { return std::tuple(e.line, e.column); });
    if (dropped_ > 0)
        errors_.push_back({file_, 0, 0, "", "and " + std::to_string(dropped_) + " more errors", "mend these first"});
    return std::move(errors_);
}

std::string to_string(const ConfigError& error) {
    std::string out = error.file;
    if (error.line > 0) out += ":" + std::to_string(error.line) + ":" + std::to_string(error.column);
    out += ": ";
    if (!error.key.empty()) out += error.key + ": ";
    out += error.text;
    if (!error.hint.empty()) out += " (" + error.hint + ")";
    return out;
}

std::string shown(std::string_view text, std::size_t bytes_max) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool starts_letter = (byte & 0xc0) != 0x80;
        if (i >= bytes_max && starts_letter) return out + "...";
        const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (byte >= 0x20 && byte != 0x7f && !c1) {
            out += text[i];
            continue;
        }
        const auto code = c1 ? static_cast<unsigned char>(text[++i]) : byte;
        out += std::string("\\x") + digits[code >> 4] + digits[code & 15];
    }
    return out;
}

std::string in_quotes(std::string_view text) {
    return "\"" + shown(text) + "\"";
}

} // namespace castra
