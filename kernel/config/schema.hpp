// SPDX-License-Identifier: Apache-2.0
// The JSON Schema of castra.toml, draft-07, so that editors complete keys and underline mistakes. Made by letting the
// reader read a file with one of each table and noting what it asks for: it knows what the reader knows, no more.
// It accepts every file that castra accepts; some mistakes only `castra config check` sees (two VMs of one name, ports
// that collide, limits in bytes, keys that version 0.1.0 lacks).
#pragma once
#include <nlohmann/json.hpp>

namespace castra {

nlohmann::ordered_json config_schema();

} // namespace castra
