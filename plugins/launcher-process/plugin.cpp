// SPDX-License-Identifier: Apache-2.0
#include "castra/sdk/plugin.hpp"
#include "launcher-process/process_launcher.hpp"

CASTRA_PLUGIN(castra::launcher_process::ProcessLauncher);
