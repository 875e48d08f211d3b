// SPDX-License-Identifier: Apache-2.0
#include "contract/typescript.hpp"

#include <cctype>

namespace castra::contract {
namespace {

std::string in_quotes(std::string_view text) {
    return Json(text).dump();
}

// "vm.launch" -> "VmLaunch"
std::string interface_name(std::string_view type) {
    std::string name;
    bool starts_word = true;
    for (const char c : type) {
        const bool is_word = std::isalnum(static_cast<unsigned char>(c)) != 0;
        if (is_word) name += starts_word ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        starts_word = !is_word;
    }
    return name;
}

std::string comment(std::string text, const std::string& indent) {
    for (auto at = text.find("*/"); at != std::string::npos; at = text.find("*/", at))
        text.replace(at, 2, "* /");
    return indent + "/** " + text + " */\n";
}

std::string about(const FieldSpec& field) {
    std::string text = field.meaning;
    if (field.unit != Unit::none) text += "; " + std::string(to_string(field.unit));
    if (field.masked) text += "; secrets are masked";
    if (field.since != "1.0") text += ". Since " + field.since;
    if (!field.deprecated.empty()) text += ". @deprecated " + field.deprecated;
    return text;
}

template <class Values>
std::string union_of(const Values& values) {
    std::string text;
    for (const auto& value : values)
        text += (text.empty() ? "" : " | ") + in_quotes(value);
    return text;
}

std::string members(std::span<const FieldSpec> fields, const std::string& indent);

std::string type_text(const FieldSpec& spec, const std::string& indent) {
    switch (spec.type) {
    case JsonType::string:
        if (!spec.closed.empty()) return union_of(spec.closed);
        return spec.known.empty() ? "string" : union_of(spec.known) + " | (string & {})";
    case JsonType::integer:
        return "number";
    case JsonType::boolean:
        return "boolean";
    case JsonType::array:
        return "Array<" + type_text(spec.item.front(), indent) + ">";
    case JsonType::object:
        break;
    }
    if (spec.members.empty()) return "Record<string, unknown>";
    return "{\n" + members(spec.members, indent + "  ") + indent + "}";
}

std::string members(std::span<const FieldSpec> fields, const std::string& indent) {
    std::string text;
    for (const auto& field : fields)
        text += comment(about(field), indent) + indent + field.name + (field.required ? ": " : "?: ") +
                type_text(field, indent) + ";\n";
    return text;
}

std::string interface_of(const TypeSpec& type, const Registry& of) {
    auto meaning = std::string(type.about.meaning);
    if (!type.deprecated.empty()) meaning += " @deprecated " + std::string(type.deprecated);
    std::string text = comment(meaning, "") + "export interface " + interface_name(type.about.type) +
                       " extends Envelope {\n  type: " + in_quotes(type.about.type) +
                       ";\n  family: " + in_quotes(text_of(type.about.family)) + ";\n";
    for (const auto name : type.about.also)
        if (const auto* also = of.find_envelope_field(name))
            text += comment(about(*also), "  ") + "  " + also->name + ": " + type_text(*also, "  ") + ";\n";
    return text + members(type.fields, "  ") + "}\n\n";
}

constexpr std::string_view functions = R"(
/** Whether this module knows the event's type; narrows a switch over `type`. */
export function isKnown(event: CastraEvent): event is KnownEvent {
  return (knownTypes as readonly string[]).includes(event.type);
}

/** One line of the stream. Throws on what is no event, and on another major of the contract, as readers must. */
export function readEvent(line: string): CastraEvent {
  const event: unknown = JSON.parse(line);
  if (typeof event !== "object" || event === null || !("contract" in event) || !("type" in event))
    throw new Error("this line is no castra event");
  const major = String(event.contract).split(".")[0];
  if (major !== contractVersion.split(".")[0])
    throw new Error(`contract ${String(event.contract)} is of another major than ${contractVersion}`);
  return event as CastraEvent;
}
)";

} // namespace

std::string typescript_module(const Registry& of) {
    std::string text = "// SPDX-License-Identifier: Apache-2.0\n"
                       "// Events of castra. Made by `castra contract typescript`; what they mean: docs/EVENTS.md.\n\n"
                       "export const contractVersion: string = " +
                       in_quotes(of.version()) + ";\n\n";
    text +=
        "/** What every event may carry. */\nexport interface Envelope {\n" + members(of.envelope(), "  ") + "}\n\n";
    for (const auto& field : of.envelope())
        if (!field.closed.empty())
            text += "export type " + interface_name(field.name) + " = Envelope[" + in_quotes(field.name) + "];\n";
    text += "\n";
    std::string names, literals;
    for (const auto& type : of.types()) {
        text += interface_of(type, of);
        names += "\n  | " + interface_name(type.about.type);
        literals += "  " + in_quotes(type.about.type) + ",\n";
    }
    text +=
        "/** An event of a type that this module does not know: show `message`, act on `family` and `severity`. */\n"
        "export interface UnknownEvent extends Envelope {\n  [field: string]: unknown;\n}\n\n";
    text += "export type KnownEvent =" + names + ";\n\nexport type CastraEvent = KnownEvent | UnknownEvent;\n\n";
    text += "export const knownTypes = [\n" + literals + "] as const;\n";
    return text + std::string(functions);
}

} // namespace castra::contract
