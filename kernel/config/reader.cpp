// SPDX-License-Identifier: Apache-2.0
#include "config/reader.hpp"

#include <algorithm>

namespace castra {

Reader::Reader(const toml::table& table, const KnownTable& known, std::string key, const ReadContext& context)
    : table_(&table), context_(&context), known_(known.path), keys_(known.keys), key_(std::move(key)) {
    for (const auto& [name, value] : table) {
        if (known.has(name.str())) continue;
        const std::string place = known.header.empty() ? "at the top of the file" : "in " + std::string(known.header);
        context_->problems.add(position_of(name), key_of(name.str()), "unknown key " + place,
                               cure_for_unknown(known, name.str()));
    }
}

std::string Reader::key_of(std::string_view key) const {
    return key_.empty() ? shown(key) : key_ + "." + shown(key);
}

std::string Reader::header_of(std::string_view key) const {
    std::string out;
    bool is_index = false;
    for (char c : key_of(key)) {
        is_index = c == '[' || (is_index && c != ']');
        if (!is_index && c != ']') out += c;
    }
    return out;
}

bool Reader::has_empty_array(std::string_view key) const {
    return has(key) && find(key)->is_array() && find(key)->as_array()->empty();
}

Position Reader::where() const {
    return position_of(*table_);
}

Position Reader::where(std::string_view key) const {
    const auto* node = find(key);
    return node != nullptr ? position_of(*node) : where();
}

bool Reader::has_book_for(std::string_view key) const {
    return context_->book != nullptr && std::ranges::find(keys_, key) != keys_.end();
}

void Reader::note(std::string_view key, nlohmann::json schema) const {
    if (context_->book == nullptr) return;
    KeyNote note{std::string(known_), key_, std::string(key), std::move(schema), {}, {}, has(key), where(key)};
    context_->book->note(std::move(note));
}

void Reader::note_entry(std::string_view key, std::string_view name, nlohmann::json value,
                        const toml::node& node) const {
    if (context_->book == nullptr) return;
    context_->book->note({std::string(known_),
                          key_,
                          std::string(key) + "." + shown(name),
                          {},
                          {},
                          std::move(value),
                          true,
                          position_of(node)});
}

void Reader::narrow(std::string_view key, nlohmann::json schema) const {
    if (context_->book != nullptr)
        context_->book->narrow(std::string(known_), {{"properties", {{std::string(key), std::move(schema)}}}});
}

void Reader::narrow_table(nlohmann::json schema) const {
    if (context_->book != nullptr) context_->book->narrow(std::string(known_), std::move(schema));
}

Reader Reader::section(std::string_view key, const KnownTable& known) const {
    static const toml::table nothing;
    if (auto found = table(key, known)) return *std::move(found);
    return Reader(nothing, known, key_of(key), *context_);
}

std::optional<Reader> Reader::table(std::string_view key, const KnownTable& known) const {
    const bool has_any_name = !known_.empty() && known.path == std::string(known_) + ".NAME";
    note(has_any_name ? "*" : key, {{"table", known.path}});
    const auto* node = find(key);
    if (node == nullptr) return std::nullopt;
    if (const auto* found = node->as_table()) return Reader(*found, known, key_of(key), *context_);
    refuse_type(key, *node, "a table", "write [" + header_of(key) + "] and its keys below it");
    return std::nullopt;
}

std::vector<Reader> Reader::tables(std::string_view key, const KnownTable& known, std::size_t count_max) const {
    note(key, {{"tables", known.path}, {"maxItems", count_max}});
    std::vector<Reader> out;
    const auto* node = find(key);
    if (node == nullptr) return out;
    const std::string hint = "write [[" + header_of(key) + "]] with two brackets, once for each";
    const auto* array = node->as_array();
    if (array == nullptr) {
        refuse_type(key, *node, "an array of tables", hint);
        return out;
    }
    if (array->size() > count_max)
        refuse(key, std::to_string(array->size()) + " entries, at most " + std::to_string(count_max) + " are allowed",
               "remove some");
    for (std::size_t i = 0; i < std::min(array->size(), count_max); ++i) {
        const std::string name = key_of(key) + "[" + std::to_string(i) + "]";
        const auto& element = *array->get(i);
        if (const auto* found = element.as_table())
            out.emplace_back(*found, known, name, *context_);
        else
            context_->problems.add(position_of(element), name, "wants a table, found " + described(element), hint);
    }
    return out;
}

void Reader::refuse(std::string_view key, std::string text, std::string hint) const {
    context_->problems.add(where(key), key_of(key), std::move(text), std::move(hint));
}

void Reader::refuse_missing(std::string_view key, std::string hint) const {
    refuse_missing_one_of({std::string(key)}, std::move(hint));
}

void Reader::refuse_missing_one_of(const std::vector<std::string>& keys, std::string hint) const {
    if (context_->book != nullptr) context_->book->require(std::string(known_), keys);
    refuse(keys.front(), "is required", std::move(hint));
}

void Reader::refuse_type(std::string_view key, const toml::node& found, std::string_view wanted,
                         std::string hint) const {
    refuse(key, "wants " + std::string(wanted) + ", found " + described(found), std::move(hint));
}

Position position_of(const toml::node& node) {
    const auto at = node.source().begin;
    return {static_cast<int>(at.line), static_cast<int>(at.column)};
}

Position position_of(const toml::key& key) {
    const auto at = key.source().begin;
    return {static_cast<int>(at.line), static_cast<int>(at.column)};
}

std::string described(const toml::node& node) {
    switch (node.type()) {
    case toml::node_type::table:
        return "a table";
    case toml::node_type::array:
        return "an array";
    case toml::node_type::string:
        return "the string " + in_quotes(node.as_string()->get());
    case toml::node_type::integer:
        return "the integer " + std::to_string(node.as_integer()->get());
    case toml::node_type::floating_point:
        return "the decimal number " + nlohmann::json(node.as_floating_point()->get()).dump();
    case toml::node_type::boolean:
        return node.as_boolean()->get() ? "the boolean true" : "the boolean false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
        return "a date or time";
    default:
        return "nothing";
    }
}

} // namespace castra
