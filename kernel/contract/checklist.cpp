// SPDX-License-Identifier: Apache-2.0
#include "contract/checklist.hpp"

#include <cstddef>

namespace castra::contract {
namespace {

constexpr std::array<ChecklistRow, 22> table{{
    {Row::wording, "wording", Bump::none, "other words for the same: a meaning, a rule's sentence, a title"},
    {Row::sample, "sample", Bump::none, "another example"},
    {Row::add_optional_field, "add_optional_field", Bump::minor, "a new field that may be absent"},
    {Row::add_required_field, "add_required_field", Bump::minor, "a new field that is always there"},
    {Row::add_type, "add_type", Bump::minor, "a new event type in a family that exists"},
    {Row::add_open_value, "add_open_value", Bump::minor,
     "a new value of an open enum; an exit code for a situation that could not arise before"},
    {Row::tighten, "tighten", Bump::minor,
     "castra promises more: a new rule or clause, an optional field that is now always there, a smaller limit, more "
     "masking"},
    {Row::deprecate, "deprecate", Bump::minor, "marked deprecated; it stays as it is"},
    {Row::add_closed_value, "add_closed_value", Bump::major,
     "a new value of a closed enum, or a closed enum made open"},
    {Row::remove_or_rename, "remove_or_rename", Bump::major,
     "a type, field, value, rule or exit code that is gone, has another name or moved to another family"},
    {Row::required_to_optional, "required_to_optional", Bump::major,
     "a field that was always there and now may be absent"},
    {Row::change_json_type, "change_json_type", Bump::major, "another JSON type, also as a bug fix"},
    {Row::change_unit, "change_unit", Bump::major, "another unit, also as a bug fix"},
    {Row::change_format, "change_format", Bump::major,
     "another format of a value or of the stream: time, encoding, integer range, a severity's place on other scales"},
    {Row::change_null_policy, "change_null_policy", Bump::major, "null or duplicate keys where there were none"},
    {Row::weaken_rule, "weaken_rule", Bump::major, "a rule of order or shape that demands less"},
    {Row::change_moment, "change_moment", Bump::major,
     "written at another moment or with another default severity, so that a reader infers another state"},
    {Row::raise_line_limit, "raise_line_limit", Bump::major, "longer lines"},
    {Row::change_exit_code, "change_exit_code", Bump::major, "another number for the same end"},
    {Row::ask_more_of_readers, "ask_more_of_readers", Bump::major, "a duty of readers that was none"},
    {Row::unknown_fact, "unknown_fact", Bump::major,
     "the snapshot differs in something that this differ does not know"},
    {Row::less_redaction, "less_redaction", Bump::blocked, "something that was masked is shown"},
}};

constexpr bool is_in_order() {
    for (std::size_t i = 0; i < table.size(); ++i)
        if (table[i].row != static_cast<Row>(i)) return false;
    return true;
}
static_assert(is_in_order());

} // namespace

std::string_view to_string(Bump bump) {
    constexpr std::array<std::string_view, 4> names{"none", "minor", "major", "blocked"};
    return names[static_cast<std::size_t>(bump)];
}

std::span<const ChecklistRow> checklist() {
    return table;
}

const ChecklistRow& entry_of(Row row) {
    return table[static_cast<std::size_t>(row)];
}

} // namespace castra::contract
