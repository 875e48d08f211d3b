// SPDX-License-Identifier: Apache-2.0
// The JSON Schema of one event line, made from the registry. Open: for readers, who must ignore what they do not know.
// Closed: for our own CI, refuses every unknown field and type.
#pragma once
#include "contract/registry.hpp"

namespace castra::contract {

// Types of plugins: x.<plugin>.<name>.
inline constexpr std::string_view extension_pattern = "^x\\.[a-z0-9_-]{1,64}\\.[a-z0-9_.-]{1,64}$";

enum class SchemaForm { open, closed };
enum class SchemaVocabulary { draft_2020_12, draft_07 };

// A reader of either form refuses another major of the contract.
Json event_schema(SchemaForm form, SchemaVocabulary vocabulary, const Registry& of = registry());

} // namespace castra::contract
