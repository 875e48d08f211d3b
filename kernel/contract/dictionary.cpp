// SPDX-License-Identifier: Apache-2.0
#include "contract/dictionary.hpp"

namespace castra::contract {
namespace {

std::string kind_of(const DictionaryEntry& entry) {
    std::string text{to_string(entry.type)};
    if (entry.items) text += " of " + std::string(to_string(*entry.items));
    if (entry.unit != Unit::none) text += " in " + std::string(to_string(entry.unit));
    return text;
}

void add(Dictionary& to, std::span<const FieldSpec> fields, const std::string& place) {
    for (const auto& field : fields) {
        DictionaryEntry entry;
        entry.type = field.type;
        entry.unit = field.unit;
        if (!field.item.empty()) entry.items = field.item.front().type;
        auto& known = to.entries.try_emplace(field.name, entry).first->second;
        if (kind_of(known) != kind_of(entry))
            to.conflicts.push_back(field.name + " is " + kind_of(known) + " in " + known.places.front() + " and " +
                                   kind_of(entry) + " in " + place);
        known.places.push_back(place);
        add(to, field.members, place + "." + field.name);
        for (const auto& item : field.item)
            add(to, item.members, place + "." + field.name + "[]");
    }
}

} // namespace

Dictionary dictionary(const Registry& of) {
    Dictionary made;
    add(made, of.envelope(), "envelope");
    for (const auto& type : of.types())
        add(made, type.fields, std::string(type.about.type));
    return made;
}

Json to_json(const Dictionary& dictionary, std::string_view version) {
    auto fields = Json::array();
    for (const auto& [name, entry] : dictionary.entries) {
        Json field{{"name", name}, {"type", to_string(entry.type)}};
        if (entry.items) field["items"] = to_string(*entry.items);
        if (entry.unit != Unit::none) field["unit"] = to_string(entry.unit);
        field["places"] = entry.places;
        fields.push_back(std::move(field));
    }
    return Json{{"contract", version}, {"fields", std::move(fields)}};
}

} // namespace castra::contract
