// SPDX-License-Identifier: Apache-2.0
// The JSON Schema of one event line, made from the registry. Open: for readers, who must ignore what they do not know.
// Closed: for our own CI, refuses every unknown field and type.
#pragma once
#include "contract/describe.hpp"

namespace castra::contract {

enum class SchemaForm { open, closed };
enum class SchemaVocabulary { draft_2020_12, draft_07 };

Json event_schema(SchemaForm form, SchemaVocabulary vocabulary);

} // namespace castra::contract
