// SPDX-License-Identifier: Apache-2.0
// A cursor on one TOML table: checks its keys against the known ones, reads values and reports what is wrong with them.
// Every read_x leaves its target alone when the key is absent or wrong, so defaults stand in the target beforehand, and
// returns whether it was set. Nothing stops at a mistake.
// Owner: borrows the tree and the ReadContext; cheap to copy.
#pragma once
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/units.hpp"
#include "config/key_book.hpp"
#include "config/known_keys.hpp"
#include "config/path_root.hpp"
#include "config/problems.hpp"

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <toml++/toml.h>
#include <vector>

namespace castra {

struct ReadContext {
    Problems& problems;
    PathRoot paths;
    bool expands_names = true; // version 0.2.0: "web" is web-0, web-1, ...
    KeyBook* book = nullptr;   // what is asked for is noted there, if somebody wants to know
};

struct IntegerRange {
    std::int64_t min = 0;
    std::int64_t max = 0;
};

// A word of the file and the value it stands for.
struct Choice {
    std::string_view word;
    std::string_view value;
};

class Reader {
public:
    // `key` is the table's own dotted name for errors, "vms[1].boot". Reports unknown keys at once.
    Reader(const toml::table& table, const KnownTable& known, std::string key, const ReadContext& context);

    const ReadContext& context() const { return *context_; }
    const std::string& key() const { return key_; }
    std::string key_of(std::string_view key) const;
    Position where() const;
    Position where(std::string_view key) const; // of the value; of the table when the key is absent
    bool has(std::string_view key) const { return table_->contains(key); }
    bool has_integer(std::string_view key) const { return has(key) && find(key)->is_integer(); }
    bool has_empty_array(std::string_view key) const;

    bool read_line(std::string_view key, std::string& into) const;   // no control characters
    bool read_script(std::string_view key, std::string& into) const; // tabs and line ends are welcome
    bool read_name(std::string_view key, std::string& into) const;   // is_name
    bool read_names(std::string_view key, std::size_t count_max, std::vector<std::string>& into) const;
    bool read_path(std::string_view key, std::string& into) const; // on the host, made absolute
    bool read_paths(std::string_view key, std::size_t count_max, std::vector<std::string>& into) const;
    bool read_sha256(std::string_view key, std::string& into) const; // 64 lower-case hex digits
    bool read_choice(std::string_view key, std::span<const Choice> choices, std::string& into) const;
    bool read_bool(std::string_view key, bool& into) const;
    bool read_integer(std::string_view key, IntegerRange range, std::int64_t& into) const;
    bool read_port(std::string_view key, std::int64_t port_min, std::uint16_t& into) const;
    bool read_seconds(std::string_view key, std::int64_t seconds_min, Milliseconds& into) const;
    bool read_seconds(std::string_view key, std::int64_t seconds_min, std::optional<Milliseconds>& into) const;
    bool read_memory(std::string_view key, MemorySize& into) const;
    bool read_env(std::string_view key, std::map<std::string, Secret>& into) const; // adds and overrides
    // Adds and overrides; `positions` says where the values stand.
    bool read_free_table(std::string_view key, nlohmann::json& into, Positions& positions) const;

    std::optional<Reader> table(std::string_view key, const KnownTable& known) const;
    // The same, but an absent table is an empty one: its keys have their defaults.
    Reader section(std::string_view key, const KnownTable& known) const;
    std::vector<Reader> tables(std::string_view key, const KnownTable& known, std::size_t count_max) const;

    // Reports a mistake at the key's value, or at the table when it is absent.
    void refuse(std::string_view key, std::string text, std::string hint) const;
    void refuse_missing(std::string_view key, std::string hint) const;
    // The same where one of several keys would do.
    void refuse_missing_one_of(const std::vector<std::string>& keys, std::string hint) const;

    // What the book shall know beyond what read_x says of a key, or of the table as a whole.
    void narrow(std::string_view key, nlohmann::json schema) const;
    void narrow_table(nlohmann::json schema) const;

private:
    template <class Value>
    class Noting;
    bool has_book_for(std::string_view key) const; // what the table does not know is an error already
    void note(std::string_view key, nlohmann::json schema) const;
    void note_entry(std::string_view key, std::string_view name, nlohmann::json value, const toml::node& node) const;

    const toml::node* find(std::string_view key) const { return table_->get(key); }
    std::string header_of(std::string_view key) const; // "vms.boot" for vms[1].boot
    void refuse_type(std::string_view key, const toml::node& found, std::string_view wanted, std::string hint) const;
    bool read_text(std::string_view key, bool is_script, std::string& into) const;
    // Of an array; `take` says what is wrong with one. `example` is a cure.
    bool read_texts(std::string_view key, IntegerRange count, const char* example,
                    const std::function<Result<>(const std::string&)>& take) const;

    const toml::table* table_;
    const ReadContext* context_;
    std::string_view known_; // path of its KnownTable: those of known:: live for ever
    std::span<const std::string_view> keys_;
    std::string key_;
};

Position position_of(const toml::node& node);
Position position_of(const toml::key& key);
// "the integer 3", "a table": for "wants a string, found ...".
std::string described(const toml::node& node);
// What is wrong with the letters of `text`; empty: nothing.
std::string complaint_about(std::string_view text, bool is_script);

} // namespace castra
