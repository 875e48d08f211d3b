// SPDX-License-Identifier: Apache-2.0
#include "contract/text.hpp"

#include "base/utf8.hpp"

#include <chrono>

namespace castra::contract {
namespace {

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

void put_digits(char* at, unsigned value, int count) {
    for (int i = count - 1; i >= 0; --i, value /= 10)
        at[i] = static_cast<char>('0' + value % 10);
}

} // namespace

std::string clean_text(std::string_view text, std::size_t bytes_max, bool one_line) {
    if (text.size() > bytes_max) {
        text.remove_prefix(text.size() - bytes_max);
        while (!text.empty() && is_continuation(text.front()))
            text.remove_prefix(1);
    }
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto length = utf8_length(text);
        if (length == 0) {
            out += "\xef\xbf\xbd";
        } else if (length > 1) {
            out += text.substr(0, length);
        } else if (const char c = text.front(); c == '\n' || c == '\t') {
            out += one_line ? ' ' : c;
        } else if (c != '\r') {
            out += is_bad_control(static_cast<unsigned char>(c), true) ? '?' : c;
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

bool is_utc_text(std::string_view text) {
    constexpr std::string_view form = "0000-00-00T00:00:00.000000Z";
    if (text.size() != form.size()) return false;
    for (std::size_t i = 0; i < form.size(); ++i)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return false;
    return true;
}

std::string utc_text(std::int64_t unix_us) {
    std::string text;
    put_utc_text(unix_us, text);
    return text;
}

void put_utc_text(std::int64_t unix_us, std::string& text) {
    using namespace std::chrono;
    const auto since = microseconds(unix_us);
    const auto day = floor<days>(since);
    const year_month_day date{sys_days(day)};
    const auto rest = static_cast<std::uint64_t>((since - day).count());
    text = "0000-00-00T00:00:00.000000Z";
    put_digits(text.data(), static_cast<unsigned>(static_cast<int>(date.year())), 4);
    put_digits(&text[5], static_cast<unsigned>(date.month()), 2);
    put_digits(&text[8], static_cast<unsigned>(date.day()), 2);
    put_digits(&text[11], static_cast<unsigned>(rest / 3'600'000'000U), 2);
    put_digits(&text[14], static_cast<unsigned>(rest / 60'000'000U % 60), 2);
    put_digits(&text[17], static_cast<unsigned>(rest / 1'000'000U % 60), 2);
    put_digits(&text[20], static_cast<unsigned>(rest % 1'000'000U), 6);
}

} // namespace castra::contract
