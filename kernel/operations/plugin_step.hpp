// SPDX-License-Identifier: Apache-2.0
// A step plugin as the pipeline's StepClient: each call on a thread of its own, with its deadline and a descriptor that
// tells it to give up. An in-process plugin that heeds neither is left behind with its thread, and never called again.
#pragma once
#include "bootstrap/step_client.hpp"
#include "host/host.hpp"
#include "plugin/instance.hpp"

namespace castra {

std::shared_ptr<StepClient> make_plugin_step(Host& host, PluginInstance instance);

} // namespace castra
