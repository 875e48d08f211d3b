// SPDX-License-Identifier: Apache-2.0
// What the reader asked castra.toml for, noted while it asks: every key with its shape, what stood in the target before
// and after, and where the value stands. From it come `castra config schema` and `castra config show`, so that neither
// can say anything else than what the reader does. Nobody needs one to read a file.
// Owner: whoever wants to know; ReadContext borrows it.
#pragma once
#include "config/problems.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace castra {

struct KeyNote {
    std::string table;     // path of its KnownTable, "vms.boot"
    std::string place;     // that table in this file, "vms[1].boot"
    std::string key;       // "*": any name, as in [plugins.NAME]
    nlohmann::json schema; // JSON Schema of the value; {"table": path} or {"tables": path}: of a table
    nlohmann::json before; // the default, or what a weaker table said; null: nothing
    nlohmann::json after;  // what is in force
    bool is_set = false;   // here, and well
    Position at;           // of the value, when set
};

class KeyBook {
public:
    void note(KeyNote note) { notes_.push_back(std::move(note)); }
    // Without the key (or one of several) the table is refused.
    void require(std::string table, std::vector<std::string> keys);
    // What a table's JSON Schema says besides its keys, once.
    void narrow(std::string table, nlohmann::json schema);
    // The tables that `vm` has its values from, strongest first.
    void lay(std::string vm, std::vector<std::string> places);

    struct Demand {
        std::string table;
        std::vector<std::string> keys; // one of them
        friend bool operator==(const Demand&, const Demand&) = default;
    };
    struct Narrowing {
        std::string table;
        nlohmann::json schema;
        friend bool operator==(const Narrowing&, const Narrowing&) = default;
    };
    struct Layers {
        std::string vm;
        std::vector<std::string> places;
    };
    const std::vector<KeyNote>& notes() const { return notes_; }
    const std::vector<Demand>& demands() const { return demands_; }
    const std::vector<Narrowing>& narrowings() const { return narrowings_; }
    const std::vector<Layers>& layers() const { return layers_; }

private:
    std::vector<KeyNote> notes_;
    std::vector<Demand> demands_;
    std::vector<Narrowing> narrowings_;
    std::vector<Layers> layers_;
};

} // namespace castra
