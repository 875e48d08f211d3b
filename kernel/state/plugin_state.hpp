// SPDX-License-Identifier: Apache-2.0
// What castra remembers of plugins, of all projects: what a plugin's file did does not depend on who used it.
//   $XDG_STATE_HOME/castra/plugins/quarantine/   or below CASTRA_HOME
#pragma once
#include "state/layout.hpp"

namespace castra {

std::filesystem::path plugin_quarantine_dir(const Environment& environment);

} // namespace castra
