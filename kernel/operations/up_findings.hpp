// SPDX-License-Identifier: Apache-2.0
// Everything that can be wrong with an up before anything is touched: castra.toml against its plugins, the machine and
// what the guests' bootstraps need. For whoever asks before there is a ProjectKernel, so that a refused up leaves no
// trace: the supervisor that is being started for it, or an embedder. Thread: the kernel's.
#pragma once
#include "operations/project.hpp"
#include "operations/request.hpp"
#include "operations/workshop.hpp"

namespace castra {

std::vector<Error> up_findings(Workshop& workshop, const Request& request, const Project& project);

// As one line, between two processes of the same castra. Errors: protocol.
std::string to_line(const std::vector<Error>& findings);
Result<std::vector<Error>> parse_findings(const std::string& line);

} // namespace castra
