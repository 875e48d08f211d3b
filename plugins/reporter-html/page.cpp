// SPDX-License-Identifier: Apache-2.0
#include "page.hpp"

#include "castra/sdk/refusal.hpp"

#include <sys/random.h>

extern "C" const char castra_report_page[], castra_report_page_end[];

namespace castra::html {
namespace {

std::string nonce() {
    unsigned char bytes[16];
    if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        throw sdk::Refusal({.code = "random", .title = "the system has no random numbers"});
    std::string out;
    for (const auto byte : bytes) {
        out += "0123456789abcdef"[byte >> 4U];
        out += "0123456789abcdef"[byte & 15U];
    }
    return out;
}

void fill_in(std::string& text, std::string_view name, const std::string& value) {
    for (auto at = text.find(name); at != text.npos; at = text.find(name, at + value.size()))
        text.replace(at, name.size(), value);
}

} // namespace

Page new_page() {
    std::string whole(castra_report_page, static_cast<std::size_t>(castra_report_page_end - castra_report_page));
    fill_in(whole, "@NONCE@", nonce());
    fill_in(whole, "@LIVE@", "");
    constexpr std::string_view data = "@DATA@";
    const auto at = whole.find(data);
    return {whole.substr(0, at), whole.substr(at + data.size())};
}

std::string embedded(std::string_view line) {
    std::string out;
    out.reserve(line.size() + 16);
    for (const char c : line) {
        if (c == '<')
            out += "\\u003c"; // stands only within strings of JSON
        else
            out += c;
    }
    return out + "\n";
}

} // namespace castra::html
