// SPDX-License-Identifier: Apache-2.0
#include "config/effective.hpp"

#include "config/known_keys.hpp"

#include <algorithm>
#include <set>

namespace castra {
namespace {

using nlohmann::json;

std::string header_of(const std::string& table) {
    for (const auto* known : known_tables())
        if (known->path == table) return std::string(known->header);
    return table.empty() ? "" : "[" + table + "]";
}

bool is_table(const KeyNote& note) {
    return note.schema.contains("table") || note.schema.contains("tables");
}

// Says what an entry is or multiplies it; or its parts have rows of their own.
bool is_told_elsewhere(const KeyNote& note) {
    static const std::set<std::string> of_vms{"name", "id", "count"};
    const bool is_of_vm = note.table == known::vm.path || note.table == known::instance.path;
    return is_table(note) || (is_of_vm && of_vms.contains(note.key)) || note.key == "env" || note.key == "options" ||
           note.key == "config";
}

// 0 where the least is 1 means that nobody said anything.
json value_or_none(const json& value, const KeyNote& note) {
    const bool is_below = value.is_number() && note.schema.contains("minimum") && value < note.schema["minimum"];
    return value == "" || is_below ? json() : value;
}

class Effective {
public:
    Effective(const ProjectConfig& project, const KeyBook& book) : project_(project), book_(book) {
        for (const auto& note : book.notes())
            by_place_[note.place].push_back(&note);
    }

    std::vector<EffectiveValue> all() {
        for (const auto& note : book_.notes())
            if (!note.place.starts_with("vms[")) add_plain(note);
        for (const auto& layers : book_.layers()) {
            const auto vm = std::ranges::find(project_.vms, layers.vm, &VmConfig::name);
            if (vm != project_.vms.end()) add_vm(*vm, layers.places);
        }
        return std::move(values_);
    }

private:
    void add_plain(const KeyNote& note) {
        if (is_told_elsewhere(note)) return;
        const auto key = note.place.empty() ? note.key : note.place + "." + note.key;
        add(key, value_or_none(note.after, note), note.is_set ? &note : nullptr);
    }

    void add(const std::string& key, json value, const KeyNote* said_by) {
        EffectiveValue row{key, std::move(value), said_by == nullptr, "", {}};
        if (said_by != nullptr) {
            row.table = header_of(said_by->table);
            row.at = said_by->at;
        }
        values_.push_back(std::move(row));
    }

    const KeyNote* find(const std::string& place, const std::string& key) const {
        for (const auto* note : notes_at(place))
            if (note->key == key) return note;
        return nullptr;
    }

    const std::vector<const KeyNote*>& notes_at(const std::string& place) const {
        static const std::vector<const KeyNote*> none;
        const auto found = by_place_.find(place);
        return found == by_place_.end() ? none : found->second;
    }

    // The keys below the tables of one VM, each once: {"", "memory"}, {".boot", "kernel"}.
    std::vector<std::pair<std::string, std::string>> keys_of(const std::vector<std::string>& places) const {
        std::vector<std::pair<std::string, std::string>> keys;
        const auto add = [&](const std::string& below, const KeyNote& note) {
            std::pair<std::string, std::string> key{below, note.key};
            if (!is_told_elsewhere(note) && std::ranges::find(keys, key) == keys.end()) keys.push_back(std::move(key));
        };
        for (auto place = places.rbegin(); place != places.rend(); ++place)
            for (const std::string below : {"", ".boot", ".bootstrap"})
                for (const auto* note : notes_at(*place + below))
                    add(below, *note);
        for (const auto* note : notes_at(std::string(known::bootstrap.path)))
            if (note->key.starts_with("env.")) add(".bootstrap", *note);
        return keys;
    }

    void add_vm(const VmConfig& vm, const std::vector<std::string>& places) {
        const auto prefix = "vms." + vm.name;
        for (const auto& [below, named] : keys_of(places)) {
            const auto& key = named; // clang 14 captures no binding
            const KeyNote* said_by = nullptr;
            const KeyNote* weakest = nullptr;
            json value;
            auto ask = [&](const std::string& place) {
                const auto* note = find(place, key);
                if (note == nullptr || said_by != nullptr) return;
                weakest = note;
                if (note->is_set) said_by = note;
            };
            for (const auto& place : places)
                ask(place + below);
            if (below == ".bootstrap") ask(std::string(known::bootstrap.path));
            if (weakest == nullptr) continue;
            value = said_by != nullptr ? said_by->after : weakest->before;
            if (below.empty() && key == "overlay") value = vm.overlay; // numbered by instance
            if (below.empty() && key == "image") value = vm.image;     // one may replace the other
            if (below.empty() && key == "base_image") value = vm.base_image;
            value = value_or_none(value, *weakest);
            add(prefix + below + "." + key, value, value.is_null() ? nullptr : said_by);
        }
        for (std::size_t i = 0; i < vm.port_forwards.size(); ++i)
            add_forward(prefix + ".port_forwards[" + std::to_string(i) + "]", vm.port_forwards[i]);
    }

    void add_forward(const std::string& key, const PortForwardConfig& forward) {
        values_.push_back({key,
                           {{"address", forward.address},
                            {"host", forward.host},
                            {"guest", forward.guest},
                            {"protocol", forward.protocol}},
                           false,
                           std::string(known::port_forward.header),
                           {forward.line, forward.column}});
    }

    const ProjectConfig& project_;
    const KeyBook& book_;
    std::map<std::string, std::vector<const KeyNote*>> by_place_;
    std::vector<EffectiveValue> values_;
};

} // namespace

std::vector<EffectiveValue> effective_values(const ProjectConfig& project, const KeyBook& book) {
    return Effective(project, book).all();
}

} // namespace castra
