// SPDX-License-Identifier: Apache-2.0
// The checklist of changes to the contract: every kind of change with the least version bump that it needs. The differ
// names these rows; docs/CONTRACT_CHANGES.md explains how a bump is made. Pure data.
#pragma once
#include <array>
#include <span>
#include <string_view>

namespace castra::contract {

// In the order of their weight. blocked: no version permits it; a security decision record does.
enum class Bump { none, minor, major, blocked };
std::string_view to_string(Bump bump);

enum class Row {
    wording,
    sample,
    add_optional_field,
    add_required_field,
    add_type,
    add_open_value,
    tighten,
    deprecate,
    add_closed_value,
    remove_or_rename,
    required_to_optional,
    change_json_type,
    change_unit,
    change_format,
    change_null_policy,
    weaken_rule,
    change_moment,
    raise_line_limit,
    change_exit_code,
    ask_more_of_readers,
    unknown_fact,
    less_redaction,
};

struct ChecklistRow {
    Row row;
    std::string_view name;
    Bump bump;
    std::string_view change; // what it covers
};

std::span<const ChecklistRow> checklist(); // in the order of the enumerators
const ChecklistRow& entry_of(Row row);

} // namespace castra::contract
