// SPDX-License-Identifier: Apache-2.0
#include "config/document.hpp"

#include "config/limits.hpp"

#include <algorithm>

namespace castra {
namespace {

std::string_view cure_for(std::string_view description) {
    const auto says = [&](std::string_view words) { return description.find(words) != std::string_view::npos; };
    if (says("redefine")) return "a key or [table] stands once; for one more VM write [[vms]]";
    if (says("utf-8")) return "save the file as UTF-8";
    if (says("control characters")) return "write control characters as \\t, \\n or \\u00XX";
    if (says("while parsing string")) return "a string ends with the quote it began with, on the same line";
    if (says("end-of-file")) return "the file or line ends too early; is a value, quote or bracket missing?";
    return "the grammar is at https://toml.io; text stands in \"quotes\"";
}

// Behind the last letter of its line.
bool is_line_end(std::string_view text, Position at) {
    for (int line = 1; line < at.line; ++line) {
        const auto end = text.find('\n');
        if (end == text.npos) return false;
        text.remove_prefix(end + 1);
    }
    text = text.substr(0, text.find_first_of("\r\n"));
    const auto letters =
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
    return at.column > letters;
}

// Walks the text as TOML does, no further than is needed to tell keys from strings and comments, and finds the first
// key with too many dots. toml++ makes a table of each dot and destroys them by recursion: 400,000 dots are a crash.
class KeyDepth {
public:
    explicit KeyDepth(std::string_view text) : text_(text) {}

    std::optional<Position> first_too_deep() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '"' || c == '\'') {
                skip_string(c);
                continue;
            }
            if (c == '#') {
                at_ = std::min(text_.find('\n', at_), text_.size());
                continue;
            }
            if (c == '\n') start_line();
            if (c == '\n' || c == '=' || c == ',' || c == '{' || c == '[') dots_ = 0;
            if (c == '.' && ++dots_ > limits::key_depth_max)
                return Position{line_, static_cast<int>(at_ - line_start_) + 1};
            ++at_;
        }
        return std::nullopt;
    }

private:
    void start_line() {
        ++line_;
        line_start_ = at_ + 1;
    }

    void skip_string(char quote) {
        const std::string triple(3, quote);
        const bool is_long = text_.substr(at_, 3) == triple;
        const std::string_view end = is_long ? std::string_view(triple) : std::string_view(triple).substr(0, 1);
        at_ += end.size();
        while (at_ < text_.size() && text_.substr(at_, end.size()) != end) {
            if (text_[at_] == '\n') {
                if (!is_long) return; // unfinished: the parser will say so
                start_line();
            }
            const bool escapes = quote == '"' && text_[at_] == '\\' && text_.substr(at_ + 1, 1) != "\n";
            at_ += escapes ? 2 : 1;
        }
        at_ = std::min(at_ + end.size(), text_.size());
        while (is_long && at_ < text_.size() && text_[at_] == quote)
            ++at_; // up to five quotes may end it
    }

    std::string_view text_;
    std::size_t at_ = 0, line_start_ = 0, dots_ = 0;
    int line_ = 1;
};

} // namespace

std::optional<toml::table> parse_document(std::string_view text, Problems& problems) {
    if (const auto place = KeyDepth(text).first_too_deep()) {
        problems.add(*place, "", "a key has more than " + std::to_string(limits::key_depth_max) + " parts",
                     "write shorter keys");
        return std::nullopt;
    }
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& error) {
        const auto begin = error.source().begin;
        const Position at{static_cast<int>(begin.line), static_cast<int>(begin.column)};
        const auto said = error.description();
        if (said.find("control characters") != said.npos && is_line_end(text, at)) // the line end is one, to toml++
            problems.add(at, "", "a string does not end on its line", std::string(cure_for("while parsing string")));
        else
            problems.add(at, "", shown(said, 400), std::string(cure_for(said)));
        return std::nullopt;
    }
}

} // namespace castra
