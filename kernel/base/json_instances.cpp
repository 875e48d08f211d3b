// SPDX-License-Identifier: Apache-2.0
#include "base/json_instances.hpp"

CASTRA_JSON_INSTANCES(, nlohmann::basic_json<>)
