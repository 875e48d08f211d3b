// SPDX-License-Identifier: Apache-2.0
// Reader: from a node to one checked value.
#include "config/limits.hpp"
#include "config/names.hpp"
#include "config/reader_noting.hpp"
#include "config/value_shapes.hpp"

#include <algorithm>
#include <cmath>

namespace castra {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// "Web App!" to "web-app"; empty where nothing remains.
std::string name_like(std::string_view text) {
    std::string out;
    for (char c : lower(text)) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (is_plain)
            out += c;
        else if (!out.empty() && out.back() != '-')
            out += '-';
    }
    if (out.size() > limits::name_letters_max) out.resize(limits::name_letters_max);
    while (!out.empty() && out.back() == '-')
        out.pop_back();
    return out;
}

nlohmann::json shape_of(std::span<const Choice> choices) {
    std::vector<std::pair<std::string_view, bool>> words;
    for (const auto& choice : choices)
        words.emplace_back(choice.word, choice.word == choice.value);
    return value_shapes::choice(words);
}

std::string range_text(std::int64_t min, std::int64_t max) {
    return std::to_string(min) + " to " + std::to_string(max);
}

} // namespace

std::string complaint_about(std::string_view text, bool is_script) {
    const auto bytes_max = is_script ? limits::script_bytes_max : limits::text_bytes_max;
    if (text.size() > bytes_max)
        return "is " + std::to_string(text.size()) + " bytes long, at most " + std::to_string(bytes_max) +
               " are allowed";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool is_c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (is_script && (byte == '\t' || byte == '\n' || byte == '\r')) continue;
        if (byte < 0x20 || byte == 0x7f || is_c1) return in_quotes(text) + " holds a control character";
    }
    return {};
}

bool Reader::read_text(std::string_view key, bool is_script, std::string& into) const {
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto* text = node->as_string();
    if (text == nullptr) {
        refuse_type(key, *node, "a string", "write it in \"quotes\"");
        return false;
    }
    if (auto complaint = complaint_about(text->get(), is_script); !complaint.empty()) {
        refuse(key, std::move(complaint), "write plain text");
        return false;
    }
    into = text->get();
    return true;
}

bool Reader::read_line(std::string_view key, std::string& into) const {
    const Noting noting(*this, key, into, value_shapes::line);
    return read_text(key, false, into);
}

bool Reader::read_script(std::string_view key, std::string& into) const {
    const Noting noting(*this, key, into, value_shapes::script);
    return read_text(key, true, into);
}

bool Reader::read_name(std::string_view key, std::string& into) const {
    const Noting noting(*this, key, into, value_shapes::name);
    std::string text;
    if (!read_text(key, false, text)) return false;
    if (is_name(text)) {
        into = std::move(text);
        return true;
    }
    const auto suggestion = name_like(text);
    refuse(key, in_quotes(text) + " is no name",
           "a name is 1 to 63 lower-case letters, digits and inner hyphens" +
               (suggestion.empty() ? std::string() : ", such as \"" + suggestion + "\""));
    return false;
}

bool Reader::read_path(std::string_view key, std::string& into) const {
    const Noting noting(*this, key, into, value_shapes::path);
    std::string text;
    if (!read_text(key, false, text)) return false;
    auto path = context_->paths.resolve(text);
    if (!path) {
        refuse(key, path.error().text, path.error().hint);
        return false;
    }
    into = *std::move(path);
    return true;
}

bool Reader::read_sha256(std::string_view key, std::string& into) const {
    std::string text;
    narrow(key, {{"pattern", "^[0-9a-f]{64}$"}});
    if (!read_line(key, text)) return false;
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (text.size() == 64 && std::ranges::all_of(text, is_hex)) {
        into = text; // not moved: GCC 12 warns falsely of the small string's bytes
        return true;
    }
    refuse(key, in_quotes(text) + " is no SHA-256 digest", "write the 64 lower-case digits that sha256sum prints");
    return false;
}

bool Reader::read_choice(std::string_view key, std::span<const Choice> choices, std::string& into) const {
    const Noting noting(*this, key, into, [&] { return shape_of(choices); });
    std::string text;
    if (!read_text(key, false, text)) return false;
    std::string words;
    for (const auto& choice : choices) {
        if (lower(text) == choice.word) {
            into = choice.value;
            return true;
        }
        if (choice.word == choice.value) words += (words.empty() ? "\"" : ", \"") + std::string(choice.word) + "\"";
    }
    refuse(key, in_quotes(text) + " is not one of its values", "write one of " + words);
    return false;
}

bool Reader::read_integer(std::string_view key, IntegerRange range, std::int64_t& into) const {
    const Noting noting(*this, key, into, [&] { return value_shapes::integer(range.min, range.max); });
    const auto* node = find(key);
    if (node == nullptr) return false;
    const std::string hint = "write a whole number from " + range_text(range.min, range.max);
    const auto* number = node->as_integer();
    if (number == nullptr) {
        refuse_type(key, *node, "a whole number", hint);
        return false;
    }
    if (number->get() < range.min || number->get() > range.max) {
        refuse(key, std::to_string(number->get()) + " is out of range", hint);
        return false;
    }
    into = number->get();
    return true;
}

bool Reader::read_port(std::string_view key, std::int64_t port_min, std::uint16_t& into) const {
    std::int64_t port = into;
    if (!read_integer(key, {port_min, limits::port_max}, port)) return false;
    into = static_cast<std::uint16_t>(port);
    return true;
}

bool Reader::read_bool(std::string_view key, bool& into) const {
    const Noting noting(*this, key, into, [] { return value_shapes::boolean(); });
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto* value = node->as_boolean();
    if (value == nullptr) {
        refuse_type(key, *node, "true or false", "write true or false, without quotes");
        return false;
    }
    into = value->get();
    return true;
}

bool Reader::read_seconds(std::string_view key, std::int64_t seconds_min, Milliseconds& into) const {
    const Noting noting(*this, key, into, [&] { return value_shapes::seconds(seconds_min); });
    const auto* node = find(key);
    if (node == nullptr) return false;
    const std::string hint = "write seconds from " + range_text(seconds_min, limits::seconds_max);
    const auto seconds = node->is_number() ? node->value<double>() : std::nullopt;
    if (!seconds) {
        refuse_type(key, *node, "a number of seconds", hint);
        return false;
    }
    const bool is_inside = *seconds >= static_cast<double>(seconds_min) && // false for nan
                           *seconds <= static_cast<double>(limits::seconds_max);
    if (!is_inside) {
        refuse(key, described(*node).substr(4) + " is out of range", hint);
        return false;
    }
    into = Milliseconds(std::llround(*seconds * 1000));
    return true;
}

bool Reader::read_seconds(std::string_view key, std::int64_t seconds_min, std::optional<Milliseconds>& into) const {
    Milliseconds value = into.value_or(Milliseconds(0));
    if (!read_seconds(key, seconds_min, value)) return false;
    into = value;
    return true;
}

bool Reader::read_memory(std::string_view key, MemorySize& into) const {
    const Noting noting(*this, key, into, value_shapes::memory);
    const auto* node = find(key);
    if (node == nullptr) return false;
    const std::string hint = "write a size from \"16 MiB\" to \"16 TiB\", such as \"2 GiB\"";
    std::string text;
    if (const auto* number = node->as_integer()) {
        text = std::to_string(number->get()); // MiB
    } else if (!node->is_string()) {
        refuse_type(key, *node, "a size", hint);
        return false;
    } else if (!read_text(key, false, text)) {
        return false;
    }
    const auto size = MemorySize::parse(text);
    if (!size) {
        refuse(key, size.error().text, "write a size such as \"2 GiB\"");
        return false;
    }
    if (size->bytes() < limits::memory_bytes_min || size->bytes() > limits::memory_bytes_max) {
        refuse(key, in_quotes(text) + " is out of range", hint);
        return false;
    }
    into = *size;
    return true;
}

} // namespace castra
