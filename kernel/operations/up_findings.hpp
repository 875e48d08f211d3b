// SPDX-License-Identifier: Apache-2.0
// Everything that can be wrong with an up before anything is touched: castra.toml against its plugins, the machine and
// what the guests' bootstraps need. For whoever asks before there is a ProjectKernel, so that a refused up leaves no
// trace. Thread: the kernel's.
#pragma once
#include "operations/project.hpp"
#include "operations/request.hpp"
#include "operations/workshop.hpp"

namespace castra {

std::vector<Error> up_findings(Workshop& workshop, const Request& request, const Project& project);

} // namespace castra
