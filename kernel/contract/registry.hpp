// SPDX-License-Identifier: Apache-2.0
// The registry: every event type with its fields as data, made from the structs in events.hpp (registry_build.hpp).
// What needs the contract as a table (shape check, schema, docs, snapshot ...) asks here. Pure and immutable.
#pragma once
#include "contract/events.hpp"

#include <span>

namespace castra::contract {

enum class JsonType { string, integer, boolean, object, array };
std::string_view to_string(JsonType type);
std::string_view to_string(Unit unit); // "" for none

struct FieldSpec {
    std::string name;
    JsonType type = JsonType::string;
    bool required = true;
    std::string meaning, example, since;
    Unit unit = Unit::none;
    bool masked = false;                      // secrets in it are masked
    std::string deprecated;                   // empty: in use
    std::span<const std::string_view> closed; // values of a closed enum; empty: none
    std::vector<std::string> known;           // values of an open enum; empty: none
    std::vector<FieldSpec> members;           // of an object; empty and object: free-form
    std::vector<FieldSpec> item;              // of an array: exactly one, its name empty
};

struct TypeSpec {
    About about;
    std::string_view moment;       // when it is written, in relation to what it tells
    std::string_view deprecated;   // empty: in use
    std::vector<FieldSpec> fields; // beyond the envelope
    const FieldSpec* find_field(std::string_view name) const;
};

class Registry {
public:
    Registry(std::string_view version, std::vector<FieldSpec> envelope, std::vector<TypeSpec> types)
        : version_(version), envelope_(std::move(envelope)), types_(std::move(types)) {}

    std::string_view version() const { return version_; } // major.minor of the contract
    std::span<const FieldSpec> envelope() const { return envelope_; }
    std::span<const TypeSpec> types() const { return types_; }
    const TypeSpec* find_type(std::string_view type) const;
    const FieldSpec* find_envelope_field(std::string_view name) const;

private:
    std::string_view version_;
    std::vector<FieldSpec> envelope_;
    std::vector<TypeSpec> types_;
};

// The registry of this build; immutable, any thread.
const Registry& registry();

} // namespace castra::contract
