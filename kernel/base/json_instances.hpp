// SPDX-License-Identifier: Apache-2.0
// What reads and writes JSON text, compiled once (json_instances.cpp) and not in every file that does: it was half of
// what such a file cost to compile. Part of the precompiled headers of the rooms; nobody includes it.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace castra::json_instances {

using Input = nlohmann::detail::iterator_input_adapter<std::string::const_iterator>;

} // namespace castra::json_instances

// LINKAGE: extern where it is used, nothing where it is made.
#define CASTRA_JSON_INSTANCES(LINKAGE, JSON)                                                                           \
    LINKAGE template class JSON;                                                                                       \
    LINKAGE template class nlohmann::detail::serializer<JSON>;                                                         \
    LINKAGE template class nlohmann::detail::lexer<JSON, castra::json_instances::Input>;                               \
    LINKAGE template class nlohmann::detail::parser<JSON, castra::json_instances::Input>;                              \
    LINKAGE template class nlohmann::detail::json_sax_dom_parser<JSON>;                                                \
    LINKAGE template bool nlohmann::detail::parser<JSON, castra::json_instances::Input>::sax_parse_internal(           \
        nlohmann::detail::json_sax_dom_parser<JSON>*);

CASTRA_JSON_INSTANCES(extern, nlohmann::basic_json<>)
CASTRA_JSON_INSTANCES(extern, nlohmann::basic_json<nlohmann::ordered_map>)
