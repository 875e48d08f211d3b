// SPDX-License-Identifier: Apache-2.0
// The scalar half of Reader: from a node to a checked value.
#include "config/free_table.hpp"
#include "config/limits.hpp"
#include "config/names.hpp"
#include "config/reader.hpp"
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

bool is_env_name(std::string_view text) {
    const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
    return !text.empty() && text.size() <= 256 && is_letter(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
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

nlohmann::json plain(const std::string& text) {
    return text;
}
nlohmann::json plain(const std::vector<std::string>& texts) {
    return texts;
}
nlohmann::json plain(std::int64_t number) {
    return number;
}
nlohmann::json plain(Milliseconds duration) {
    if (duration.count() % 1000 == 0) return duration.count() / 1000;
    return static_cast<double>(duration.count()) / 1000;
}
nlohmann::json plain(MemorySize size) {
    return to_string(size);
}
nlohmann::json plain(const nlohmann::json& table) {
    return table;
}
nlohmann::json plain(const std::map<std::string, Secret>& env) {
    auto out = nlohmann::json::object();
    for (const auto& [name, value] : env)
        out[name] = Secret::mask;
    return out;
}

} // namespace

// Notes one key for as long as it is being read: the value before, the value after, and whether it was well.
template <class Value>
class Reader::Noting {
public:
    template <class MakeShape>
    Noting(const Reader& reader, std::string_view key, const Value& value, MakeShape make_shape)
        : reader_(reader), value_(value) {
        if (!reader.has_book_for(key)) return;
        problems_ = reader.context_->problems.count();
        note_ = KeyNote{
            std::string(reader.known_), reader.key_, std::string(key), make_shape(), plain(value), {}, reader.has(key),
            reader.where(key)};
    }
    Noting(const Noting&) = delete;
    Noting& operator=(const Noting&) = delete;
    ~Noting() {
        if (!note_) return;
        note_->after = plain(value_);
        note_->is_set = note_->is_set && reader_.context_->problems.count() == problems_;
        reader_.context_->book->note(*std::move(note_));
    }

private:
    const Reader& reader_;
    const Value& value_;
    std::size_t problems_ = 0;
    std::optional<KeyNote> note_;
};

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

bool Reader::read_names(std::string_view key, std::size_t count_max, std::vector<std::string>& into) const {
    const Noting noting(*this, key, into, [&] { return value_shapes::names(count_max); });
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto* array = node->as_array();
    if (array == nullptr || array->empty() || array->size() > count_max) {
        refuse(key, "wants an array of 1 to " + std::to_string(count_max) + " names, found " + described(*node),
               "write [\"a-name\"]");
        return false;
    }
    for (std::size_t i = 0; i < array->size(); ++i) {
        const auto& element = *array->get(i);
        const auto* text = element.as_string();
        if (text != nullptr && is_name(text->get()))
            into.push_back(text->get());
        else
            context_->problems.add(position_of(element), key_of(key) + "[" + std::to_string(i) + "]",
                                   (text ? in_quotes(text->get()) : described(element)) + " is no name",
                                   "a name is 1 to 63 lower-case letters, digits and inner hyphens");
    }
    return true;
}

bool Reader::read_paths(std::string_view key, std::size_t count_max, std::vector<std::string>& into) const {
    const Noting noting(*this, key, into, [&] { return value_shapes::paths(count_max); });
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto* array = node->as_array();
    if (array == nullptr) {
        refuse_type(key, *node, "an array of strings", "write [\"a/directory\"]");
        return false;
    }
    if (array->size() > count_max) {
        refuse(key, std::to_string(array->size()) + " entries, at most " + std::to_string(count_max) + " are allowed",
               "remove some");
        return false;
    }
    for (std::size_t i = 0; i < array->size(); ++i) {
        const auto& element = *array->get(i);
        const auto add = [&](std::string text, std::string hint) {
            context_->problems.add(position_of(element), key_of(key) + "[" + std::to_string(i) + "]", std::move(text),
                                   std::move(hint));
        };
        const auto* text = element.as_string();
        if (text == nullptr) {
            add("wants a string, found " + described(element), "write it in \"quotes\"");
        } else if (auto complaint = complaint_about(text->get(), false); !complaint.empty()) {
            add(std::move(complaint), "write plain text");
        } else if (auto path = context_->paths.resolve(text->get()); !path) {
            add(path.error().text, path.error().hint);
        } else {
            into.push_back(*std::move(path));
        }
    }
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

bool Reader::read_env(std::string_view key, std::map<std::string, Secret>& into) const {
    const Noting noting(*this, key, into, value_shapes::env);
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto* entries = node->as_table();
    if (entries == nullptr) {
        refuse_type(key, *node, "a table", "write NAME = \"value\" lines below [" + header_of(key) + "]");
        return false;
    }
    for (const auto& entry : *entries) {
        const std::string_view name = entry.first.str();
        const toml::node& value = entry.second;
        const auto add = [&](Position at, std::string text, std::string hint) {
            context_->problems.add(at, key_of(key) + "." + shown(name), std::move(text), std::move(hint));
        };
        const auto* text = value.as_string();
        if (!is_env_name(name))
            add(position_of(entry.first), "no name of an environment variable",
                "letters, digits and _, not first a digit");
        else if (text == nullptr)
            add(position_of(value), "wants a string", "write it in \"quotes\""); // the value is a secret
        else if (auto complaint = complaint_about(text->get(), true); !complaint.empty())
            add(position_of(value), std::move(complaint), "write plain text");
        else {
            into[std::string(name)] = Secret(text->get());
            note_entry(key, name, Secret::mask, value);
        }
    }
    if (into.size() <= limits::env_entries_max) return true;
    refuse(key,
           std::to_string(into.size()) + " variables, at most " + std::to_string(limits::env_entries_max) +
               " are allowed",
           "put them in a file of the payload");
    return false;
}

bool Reader::read_free_table(std::string_view key, nlohmann::json& into, Positions& positions) const {
    const Noting noting(*this, key, into, value_shapes::free_table);
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto* found = node->as_table();
    if (found == nullptr) {
        refuse_type(key, *node, "a table", "write [" + header_of(key) + "] and its keys below it");
        return false;
    }
    if (auto read = castra::read_free_table(*found, key_of(key), context_->problems)) {
        into.update(read->json);
        for (auto& [pointer, position] : read->positions)
            positions[pointer] = position;
        for (const auto& [name, value] : *found)
            note_entry(key, name.str(), read->json[std::string(name.str())], value);
    }
    return true;
}

} // namespace castra
