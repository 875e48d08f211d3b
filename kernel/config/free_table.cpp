// SPDX-License-Identifier: Apache-2.0
#include "config/free_table.hpp"

#include "config/limits.hpp"
#include "config/reader.hpp"

#include <cmath>

namespace castra {
namespace {

// As a part of a JSON pointer.
std::string escaped(std::string_view key) {
    std::string out;
    for (const char c : key)
        out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return out;
}

class Conversion {
public:
    explicit Conversion(Problems& problems) : problems_(problems) {}

    // `pointer` is the JSON pointer of `node` in the result.
    nlohmann::json of(const toml::node& node, const std::string& key, const std::string& pointer, std::size_t depth) {
        positions_[pointer] = position_of(node);
        if ((node.is_table() || node.is_array()) && depth > limits::nesting_max)
            return refuse(node, key, "is nested deeper than " + std::to_string(limits::nesting_max) + " levels",
                          "flatten it");
        if (const auto* table = node.as_table()) return of_table(*table, key, pointer, depth);
        if (const auto* array = node.as_array()) return of_array(*array, key, pointer, depth);
        if (const auto* number = node.as_integer()) return number->get();
        if (const auto* boolean = node.as_boolean()) return boolean->get();
        if (const auto* text = node.as_string()) return of_text(*text, key);
        if (const auto* number = node.as_floating_point(); number != nullptr && std::isfinite(number->get()))
            return number->get();
        if (node.is_floating_point())
            return refuse(node, key, "nan and inf have no form in JSON", "write a finite number");
        return refuse(node, key, "a date or time has no form in JSON", "write it in \"quotes\"");
    }

    bool succeeded() const { return succeeded_; }
    Positions take_positions() { return std::move(positions_); }

private:
    nlohmann::json of_table(const toml::table& table, const std::string& key, const std::string& pointer,
                            std::size_t depth) {
        auto out = nlohmann::json::object();
        for (const auto& [name, value] : table) {
            const std::string full = key + "." + shown(name.str());
            if (!complaint_about(name.str(), false).empty())
                refuse(value, full, "the key is too long or holds a control character", "write plain text");
            out[std::string(name.str())] = of(value, full, pointer + "/" + escaped(name.str()), depth + 1);
        }
        return out;
    }

    nlohmann::json of_array(const toml::array& array, const std::string& key, const std::string& pointer,
                            std::size_t depth) {
        auto out = nlohmann::json::array();
        for (std::size_t i = 0; i < array.size(); ++i)
            out.push_back(
                of(*array.get(i), key + "[" + std::to_string(i) + "]", pointer + "/" + std::to_string(i), depth + 1));
        return out;
    }

    nlohmann::json of_text(const toml::value<std::string>& text, const std::string& key) {
        if (auto complaint = complaint_about(text.get(), true); !complaint.empty())
            return refuse(text, key, std::move(complaint), "write plain text");
        return text.get();
    }

    nlohmann::json refuse(const toml::node& node, const std::string& key, std::string text, std::string hint) {
        problems_.add(position_of(node), key, std::move(text), std::move(hint));
        succeeded_ = false;
        return nullptr;
    }

    Problems& problems_;
    Positions positions_;
    bool succeeded_ = true;
};

} // namespace

std::optional<FreeTable> read_free_table(const toml::table& table, const std::string& key, Problems& problems) {
    Conversion conversion(problems);
    auto json = conversion.of(table, key, "", 1);
    if (!conversion.succeeded()) return std::nullopt;
    return FreeTable{std::move(json), conversion.take_positions()};
}

} // namespace castra
