// SPDX-License-Identifier: Apache-2.0
#include "contract/snapshot_compare.hpp"

#include <algorithm>
#include <functional>

namespace castra::contract {
namespace {

const Json& at(const Json& object, const std::string& key) {
    static const Json absent;
    const auto found = object.find(key);
    return found == object.end() ? absent : *found;
}

std::string shown(const Json& value) {
    return value.is_null() ? "none" : value.is_string() ? value.get<std::string>() : value.dump();
}

bool holds(const Json& list, const Json& value) {
    return list.is_array() && std::ranges::find(list, value) != list.end();
}

const Json* named(const Json& list, const std::string& key, const Json& name) {
    const auto found = std::ranges::find_if(list, [&](const Json& entry) { return at(entry, key) == name; });
    return found == list.end() ? nullptr : &*found;
}

// Walks both snapshots side by side and writes down what differs.
class Comparison {
public:
    Comparison(const Json& from, const Json& to) : from_(from), to_(to) {}

    Comparison&& compare() && {
        wire();
        named_lists();
        security_decisions();
        fields(from_["envelope"], to_["envelope"], "");
        types();
        rest(from_, to_, "snapshot",
             {"snapshot", "contract", "wire", "severities", "families", "exit_codes", "rules", "reader_duties",
              "security_decisions", "envelope", "types"});
        return std::move(*this);
    }

    std::vector<Difference> differences;
    std::vector<std::string> mistakes;

private:
    void found(Row row, std::string where, std::string text) {
        differences.push_back({row, std::move(where), std::move(text)});
    }
    void change(Row row, const std::string& where, const std::string& what, const Json& before, const Json& after) {
        found(row, where, what + " changes from " + shown(before) + " to " + shown(after));
    }
    // A fact whose every change is of one row.
    void fact(const Json& before, const Json& after, const std::string& key, Row row, const std::string& where) {
        if (at(before, key) != at(after, key)) change(row, where, key, at(before, key), at(after, key));
    }
    // A number of which less is a stronger promise.
    void limit(const std::string& key, Row raised) {
        const auto &before = at(from_["wire"], key), &after = at(to_["wire"], key);
        if (before == after) return;
        change(before.is_number() && after.is_number() && after < before ? Row::tighten : raised, "wire", key, before,
               after);
    }
    // Facts that this differ does not know must not pass unseen.
    void rest(const Json& before, const Json& after, const std::string& where, const std::vector<std::string>& known) {
        const auto is_known = [&](const std::string& key) { return std::ranges::find(known, key) != known.end(); };
        for (const auto& [key, value] : before.items())
            if (!is_known(key) && at(after, key) != value) change(Row::unknown_fact, where, key, value, at(after, key));
        for (const auto& [key, value] : after.items())
            if (!is_known(key) && !before.contains(key)) change(Row::unknown_fact, where, key, Json(), value);
    }

    void wire() {
        const auto &before = from_["wire"], &after = to_["wire"];
        limit("line_bytes_max", Row::raise_line_limit);
        limit("integer_max", Row::change_format);
        for (const auto* key : {"framing", "encoding", "line_end", "extension_types"})
            fact(before, after, key, Row::change_format, "wire");
        for (const auto* key : {"null", "duplicate_keys"})
            fact(before, after, key, Row::change_null_policy, "wire");
        rest(before, after, "wire",
             {"line_bytes_max", "integer_max", "framing", "encoding", "line_end", "null", "duplicate_keys",
              "extension_types"});
    }

    using Each = std::function<void(const Json& before, const Json& after, const std::string& where)>;
    // Two lists of named objects: what is gone, what is new, and `each` for those that stayed.
    void list(const char* key, const std::string& noun, Row added, const Each& each) {
        for (const auto& before : from_[key])
            if (const auto* after = named(to_[key], "name", before["name"]))
                each(before, *after, noun + " " + shown(before["name"]));
            else
                gone(key, noun, before);
        for (const auto& after : to_[key])
            if (!named(from_[key], "name", after["name"])) found(added, noun + " " + shown(after["name"]), "is new");
    }
    void gone(const std::string& key, const std::string& noun, const Json& entry) {
        const auto row = key == "rules"           ? (entry["name"] == "19" ? Row::less_redaction : Row::weaken_rule)
                         : key == "reader_duties" ? Row::tighten
                                                  : Row::remove_or_rename;
        found(row, noun + " " + shown(entry["name"]), "is gone");
    }

    void named_lists() {
        list("severities", "severity", Row::add_closed_value, [this](auto& before, auto& after, auto& where) {
            fact(before, after, "meaning", Row::wording, where);
            fact(before, after, "opentelemetry", Row::change_format, where);
            fact(before, after, "syslog", Row::change_format, where);
            rest(before, after, where, {"name", "meaning", "opentelemetry", "syslog"});
        });
        list("families", "family", Row::add_closed_value, [this](auto& before, auto& after, auto& where) {
            fact(before, after, "meaning", Row::wording, where);
            rest(before, after, where, {"name", "meaning"});
        });
        list("exit_codes", "exit code", Row::add_open_value, [this](auto& before, auto& after, auto& where) {
            fact(before, after, "code", Row::change_exit_code, where);
            fact(before, after, "meaning", Row::wording, where);
            rest(before, after, where, {"name", "code", "meaning"});
        });
        list("rules", "rule", Row::tighten,
             [this](auto& before, auto& after, auto& where) { rule(before, after, where); });
        list("reader_duties", "reader duty", Row::ask_more_of_readers, [this](auto& before, auto& after, auto& where) {
            fact(before, after, "says", Row::wording, where);
            rest(before, after, where, {"name", "says"});
        });
    }

    void rule(const Json& before, const Json& after, const std::string& where) {
        fact(before, after, "title", Row::wording, where);
        fact(before, after, "says", Row::wording, where);
        const auto &had = at(before, "clauses"), &has = at(after, "clauses");
        for (const auto& clause : had)
            if (!holds(has, clause))
                found(before["name"] == "19" ? Row::less_redaction : Row::weaken_rule, where,
                      "no longer demands " + shown(clause));
        for (const auto& clause : has)
            if (!holds(had, clause)) found(Row::tighten, where, "now demands " + shown(clause));
        rest(before, after, where, {"name", "title", "says", "clauses"});
    }

    void types() {
        const auto &before = from_["types"], &after = to_["types"];
        for (const auto& type : before) {
            const auto where = shown(type["type"]);
            if (const auto* now = named(after, "type", type["type"]))
                compare_type(type, *now, where);
            else
                found(Row::remove_or_rename, where, "is gone");
        }
        for (const auto& type : after) {
            if (named(before, "type", type["type"])) continue;
            const auto where = shown(type["type"]);
            found(Row::add_type, where, "is new");
            check_since(type, where);
            for (const auto& field : type["fields"])
                check_since(field, where + "." + shown(field["name"]));
        }
    }

    void compare_type(const Json& before, const Json& after, const std::string& where) {
        fact(before, after, "family", Row::remove_or_rename, where);
        fact(before, after, "severity", Row::change_moment, where);
        fact(before, after, "moment", Row::change_moment, where);
        fact(before, after, "meaning", Row::wording, where);
        const auto &had = at(before, "requires"), &has = at(after, "requires");
        for (const auto& field : had)
            if (!holds(has, field)) found(Row::required_to_optional, where, "no longer requires " + shown(field));
        for (const auto& field : has)
            if (!holds(had, field)) found(Row::tighten, where, "now requires " + shown(field));
        about_age(before, after, where);
        fields(at(before, "fields"), at(after, "fields"), where + ".");
        rest(before, after, where,
             {"type", "family", "severity", "moment", "requires", "meaning", "since", "deprecated", "fields"});
    }

    void about_age(const Json& before, const Json& after, const std::string& where) {
        const auto &had = at(before, "deprecated"), &has = at(after, "deprecated");
        if (had != has)
            change(had.is_null() || has.is_null() ? Row::deprecate : Row::wording, where, "deprecated", had, has);
        if (at(before, "since") != at(after, "since"))
            mistakes.push_back(where + " exists since " + shown(at(before, "since")) + ", and now says " +
                               shown(at(after, "since")));
    }
    void check_since(const Json& added, const std::string& where) {
        if (at(added, "since") != to_["contract"] && from_["contract"] != to_["contract"])
            mistakes.push_back(where + " is new in " + shown(to_["contract"]) + ", and says since " +
                               shown(at(added, "since")));
    }

    void fields(const Json& before, const Json& after, const std::string& prefix) {
        for (const auto& field : before) {
            const auto where = prefix + shown(field["name"]);
            if (const auto* now = named(after, "name", field["name"]))
                compare_field(field, *now, where);
            else
                found(Row::remove_or_rename, where, "is gone");
        }
        for (const auto& field : after) {
            if (named(before, "name", field["name"])) continue;
            const auto where = prefix + shown(field["name"]);
            const bool required = at(field, "required") == true;
            found(required ? Row::add_required_field : Row::add_optional_field, where,
                  required ? "is new and always there" : "is new and may be absent");
            check_since(field, where);
        }
    }

    void compare_field(const Json& before, const Json& after, const std::string& where) {
        if (at(before, "required") != at(after, "required"))
            change(at(before, "required") == true ? Row::required_to_optional : Row::tighten, where, "required",
                   at(before, "required"), at(after, "required"));
        about_age(before, after, where);
        fact(before, after, "example", Row::sample, where);
        value(before, after, where);
        rest(before, after, where,
             {"name", "required", "since", "deprecated", "example", "type", "unit", "format", "closed", "open",
              "masked", "meaning", "members", "items"});
    }

    // What fields and the items of arrays have in common.
    void value(const Json& before, const Json& after, const std::string& where) {
        fact(before, after, "meaning", Row::wording, where);
        fact(before, after, "type", Row::change_json_type, where);
        if (at(before, "type") != at(after, "type")) return; // the rest follows from that
        fact(before, after, "unit", Row::change_unit, where);
        fact(before, after, "format", Row::change_format, where);
        if (at(before, "masked") != at(after, "masked"))
            change(at(before, "masked") == true ? Row::less_redaction : Row::tighten, where, "masked",
                   at(before, "masked"), at(after, "masked"));
        values(before, after, where);
        members(before, after, where);
        if (before.contains("items") && after.contains("items")) value(before["items"], after["items"], where + "[]");
    }

    void values(const Json& before, const Json& after, const std::string& where) {
        const bool was_closed = before.contains("closed"), is_closed = after.contains("closed");
        if (was_closed && !is_closed) return found(Row::add_closed_value, where, "is no longer a closed enum");
        if (!was_closed && is_closed) return found(Row::tighten, where, "is now a closed enum");
        const auto* key = was_closed ? "closed" : "open";
        const auto &had = at(before, key), &has = at(after, key);
        for (const auto& word : had)
            if (!holds(has, word)) found(Row::remove_or_rename, where, "value " + shown(word) + " is gone");
        for (const auto& word : has)
            if (!holds(had, word))
                found(was_closed ? Row::add_closed_value : Row::add_open_value, where,
                      "value " + shown(word) + " is new");
    }

    void members(const Json& before, const Json& after, const std::string& where) {
        if (before.contains("members") && after.contains("members"))
            fields(before["members"], after["members"], where + ".");
        else if (before.contains("members"))
            found(Row::remove_or_rename, where, "its members are no longer named");
        else if (after.contains("members"))
            found(Row::tighten, where, "its members are now named");
    }

    void security_decisions() {
        for (const auto& record : at(from_, "security_decisions"))
            if (!holds(at(to_, "security_decisions"), record))
                mistakes.push_back("security decision " + shown(record) + " is no longer named");
    }

    const Json &from_, &to_; // constant members: no key is made by reading
};

} // namespace

Compared compare_snapshots(const Json& from, const Json& to) {
    auto done = Comparison(from, to).compare();
    return {std::move(done.differences), std::move(done.mistakes)};
}

} // namespace castra::contract
