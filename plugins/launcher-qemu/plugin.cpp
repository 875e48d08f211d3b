// SPDX-License-Identifier: Apache-2.0
#include "castra/sdk/plugin.hpp"
#include "launcher-qemu/qemu_launcher.hpp"

CASTRA_PLUGIN(castra::launcher_qemu::QemuLauncher);
