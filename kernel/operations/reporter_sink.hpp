// SPDX-License-Identifier: Apache-2.0
// A reporter plugin as a sink of the bus.
#pragma once
#include "bus/sink.hpp"
#include "plugin/instance.hpp"

namespace castra {

// Calls the reporter's `open`. Errors: what the plugin refuses.
Result<std::unique_ptr<Sink>> open_reporter(PluginInstance instance, const nlohmann::json& open_request);

} // namespace castra
