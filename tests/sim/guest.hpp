// SPDX-License-Identifier: Apache-2.0
// What castra starts on the simulated machine: guests with characters of their own, and short tools.
#pragma once
#include "world.hpp"

namespace castra::sim {

// The descriptors it was given, by their names in its plan: serial, control, notify.
using Given = std::map<std::string, OpenFilePtr>;

// A guest's process begins to run. How it boots, behaves and ends is drawn now.
void begin_guest(const ProcPtr& proc, const std::string& uuid, const std::string& ready, Given given);

// sim-img, ssh-keygen, sim-probe: does its work some time later and ends.
void begin_tool(const ProcPtr& proc, const std::vector<std::string>& argv);

} // namespace castra::sim
