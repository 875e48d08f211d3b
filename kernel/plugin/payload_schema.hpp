// SPDX-License-Identifier: Apache-2.0
// The JSON Schemas (draft-07 vocabulary) of everything that crosses the border to a plugin, made from the very types
// that the SDK encodes and decodes. A request, and an answer of the host, has every member that is not optional; in a
// reply of a plugin an absent member has its default. Members that a schema does not name may come with a later minor.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace castra {

struct PayloadSchema {
    std::string interface_id; // "castra.launcher/1"
    std::string slot;         // "plan"; empty: `error`, which every slot may answer with
    std::string payload;      // "request", "reply", "error"
    nlohmann::ordered_json schema;

    std::string file() const; // below sdk/schema: "launcher/plan.request.json"
};

// In the order of the interfaces and their slots.
std::vector<PayloadSchema> payload_schemas();

} // namespace castra
