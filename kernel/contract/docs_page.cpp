// SPDX-License-Identifier: Apache-2.0
#include "contract/docs_page.hpp"

#include "contract/docs_prose.hpp"
#include "contract/exit_codes.hpp"
#include "contract/families.hpp"
#include "contract/rules.hpp"
#include "contract/severities.hpp"

namespace castra::contract {
namespace {

// Text for a table's cell: no column and no HTML begins by accident.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        if (c == '<')
            out += "&lt;";
        else
            out += c == '\n' ? ' ' : c;
    }
    return out;
}

std::string code(std::string_view text) {
    std::string out = "`";
    for (const char c : text)
        out += c == '|' ? std::string("\\|") : std::string(1, c);
    return out + "`";
}

template <class Values>
std::string listed(const Values& values) {
    std::string text;
    for (const auto& value : values)
        text += (text.empty() ? "" : ", ") + code(value);
    return text;
}

std::string row(std::initializer_list<std::string> cells) {
    std::string text = "|";
    for (const auto& one : cells)
        text += " " + one + " |";
    return text + "\n";
}

std::string json_type(const FieldSpec& field) {
    std::string text{to_string(field.type)};
    if (!field.item.empty()) text += " of " + std::string(to_string(field.item.front().type));
    return text;
}

std::string meaning(const FieldSpec& field) {
    auto text = cell(field.meaning);
    if (!field.closed.empty()) text += "; closed: " + listed(field.closed);
    if (!field.known.empty()) text += "; open: " + listed(field.known);
    if (field.masked) text += "; secrets in it are masked";
    if (!field.deprecated.empty()) text += "; **deprecated** " + cell(field.deprecated);
    return text;
}

// One table of fields, then a table for each field that has fields of its own.
std::string field_tables(std::span<const FieldSpec> fields) {
    std::string text = row({"field", "JSON type", "unit", "required", "meaning", "since", "example"}) +
                       "|---|---|---|---|---|---|---|\n";
    for (const auto& field : fields)
        text +=
            row({code(field.name), json_type(field), std::string(to_string(field.unit)), field.required ? "yes" : "no",
                 meaning(field), field.since, field.example.empty() ? "below" : code(field.example)});
    for (const auto& field : fields) {
        if (!field.members.empty()) text += "\nIn `" + field.name + "`:\n\n" + field_tables(field.members);
        if (!field.item.empty() && !field.item.front().members.empty())
            text += "\nEach entry of `" + field.name + "`:\n\n" + field_tables(field.item.front().members);
    }
    return text;
}

std::string section_of(const TypeSpec& type) {
    const auto& about = type.about;
    std::string text = "\n### `" + std::string(about.type) + "`\n" + std::string(about.meaning) + " Default severity " +
                       code(text_of(about.severity)) + "; written " + std::string(type.moment) + "; since " +
                       std::string(about.since) + ".";
    if (!about.also.empty()) text += " Requires the envelope's " + listed(about.also) + ".";
    if (!type.deprecated.empty()) text += " **Deprecated** " + std::string(type.deprecated) + ".";
    text += "\n\n";
    return text + (type.fields.empty() ? "No fields of its own.\n" : field_tables(type.fields));
}

std::string families(const Registry& of) {
    std::string text;
    for (std::size_t i = 0; i < family_meanings.size(); ++i) {
        text +=
            "\n## Family `" + std::string(EnumText<Family>::values[i]) + "`\n" + std::string(family_meanings[i]) + "\n";
        bool is_empty = true;
        for (const auto& type : of.types()) {
            if (type.about.family != static_cast<Family>(i)) continue;
            text += section_of(type);
            is_empty = false;
        }
        if (is_empty) text += "\nNo type yet.\n";
    }
    return text;
}

std::string duties() {
    std::string text = "\n## Duties of readers\n";
    int number = 0;
    for (const auto& duty : reader_duties())
        text += std::to_string(++number) + ". " + std::string(duty.says) + "\n";
    return text;
}

std::string severity_table() {
    std::string text = row({"value", "what a person owes it", "OpenTelemetry", "syslog"}) + "|---|---|---|---|\n";
    for (const auto& entry : severities)
        text += row({code(text_of(entry.severity)), cell(entry.owed), std::to_string(entry.opentelemetry),
                     std::to_string(entry.syslog)});
    return text;
}

std::string rule_table() {
    std::string text = row({"rule", "of", "name", "says"}) + "|---|---|---|---|\n";
    for (const auto& rule : rules())
        text += row({std::to_string(rule.number), std::string(rule.subject), std::string(rule.name), cell(rule.says)});
    return text;
}

std::string exit_table() {
    std::string text = row({"code", "name", "meaning"}) + "|---|---|---|\n";
    for (const auto& entry : exit_codes)
        text += row({std::to_string(entry.code), std::string(entry.name), cell(entry.meaning)});
    return text;
}

} // namespace

std::string docs_page(const Registry& of) {
    std::string text = "# Events: contract " + std::string(of.version()) + "\n";
    text.append(prose::opening).append(prose::wire).append(duties());
    text.append(prose::severity).append(severity_table());
    text.append(prose::envelope).append(field_tables(of.envelope())).append(families(of));
    text.append(prose::extensions);
    text.append(prose::rules).append(rule_table());
    text.append(prose::exit_codes).append(exit_table());
    return text.append(prose::durability);
}

} // namespace castra::contract
