// SPDX-License-Identifier: Apache-2.0
// Reader: arrays of texts, and tables whose keys are anybody's.
#include "config/free_table.hpp"
#include "config/limits.hpp"
#include "config/names.hpp"
#include "config/reader_noting.hpp"
#include "config/value_shapes.hpp"

#include <algorithm>

namespace castra {
namespace {

bool is_env_name(std::string_view text) {
    const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
    return !text.empty() && text.size() <= 256 && is_letter(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

} // namespace

// Each element's text with the place to complain at; `take` answers what is wrong with it, if anything is.
bool Reader::read_texts(std::string_view key, IntegerRange count, const char* example,
                        const std::function<Result<>(const std::string&)>& take) const {
    const auto* node = find(key);
    if (node == nullptr) return false;
    const auto* array = node->as_array();
    if (array == nullptr) {
        refuse_type(key, *node, "an array of strings", std::string("write ") + example);
        return false;
    }
    const auto size = static_cast<std::int64_t>(array->size());
    if (size > count.max) {
        refuse(key, std::to_string(size) + " entries, at most " + std::to_string(count.max) + " are allowed",
               "remove some");
        return false;
    }
    if (size < count.min) {
        refuse(key, "has no entry", std::string("write ") + example);
        return false;
    }
    for (std::size_t i = 0; i < array->size(); ++i) {
        const auto& element = *array->get(i);
        const auto* text = element.as_string();
        Result<> taken;
        if (text == nullptr)
            taken = fail(ErrorCode::config_invalid, "wants a string, found " + described(element),
                         "write it in \"quotes\"");
        else if (auto complaint = complaint_about(text->get(), false); !complaint.empty())
            taken = fail(ErrorCode::config_invalid, std::move(complaint), "write plain text");
        else
            taken = take(text->get());
        if (!taken)
            context_->problems.add(position_of(element), key_of(key) + "[" + std::to_string(i) + "]",
                                   taken.error().text, taken.error().hint);
    }
    return true;
}

bool Reader::read_names(std::string_view key, std::size_t count_max, std::vector<std::string>& into) const {
    const Noting noting(*this, key, into, [&] { return value_shapes::names(count_max); });
    return read_texts(key, {1, static_cast<std::int64_t>(count_max)}, "[\"a-name\"]",
                      [&](const std::string& text) -> Result<> {
                          if (!is_name(text))
                              return fail(ErrorCode::config_invalid, in_quotes(text) + " is no name",
                                          "a name is 1 to 63 lower-case letters, digits and inner hyphens");
                          into.push_back(text);
                          return {};
                      });
}

bool Reader::read_paths(std::string_view key, std::size_t count_max, std::vector<std::string>& into) const {
    const Noting noting(*this, key, into, [&] { return value_shapes::paths(count_max); });
    return read_texts(key, {0, static_cast<std::int64_t>(count_max)}, "[\"a/directory\"]",
                      [&](const std::string& text) -> Result<> {
                          CASTRA_TRY(path, context_->paths.resolve(text));
                          into.push_back(std::move(path));
                          return {};
                      });
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
