// SPDX-License-Identifier: Apache-2.0
// The field dictionary: one field name has one JSON type and one unit everywhere, also deep inside objects.
#pragma once
#include "contract/registry.hpp"

#include <map>

namespace castra::contract {

struct DictionaryEntry {
    JsonType type = JsonType::string;
    std::optional<JsonType> items; // of an array
    Unit unit = Unit::none;
    std::vector<std::string> places; // "envelope", "vm.launch", "summary.counts", "summary.vms[]"
};

struct Dictionary {
    std::map<std::string, DictionaryEntry, std::less<>> entries; // by field name
    std::vector<std::string> conflicts;                          // texts; empty when the contract keeps its word
};

Dictionary dictionary(const Registry& of = registry());

// {"contract":"1.0","fields":[{"name","type","items"?,"unit"?,"places":[...]}]}
Json to_json(const Dictionary& dictionary, std::string_view version);

} // namespace castra::contract
