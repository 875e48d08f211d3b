// SPDX-License-Identifier: Apache-2.0
// What castra status --json prints. Each VM becomes text by itself, in threads: a document of a thousand VMs as one
// value costs more than to look at them.
#pragma once
#include "operations/status.hpp"

namespace castra {

// The pieces of one JSON document, in order and without a newline at its end. `indent`: -1 puts it on one line. Bytes
// that are no UTF-8 are replaced.
std::vector<std::string> json_text(const ProjectStatus& status, int indent);
// {"projects": [...]}
std::vector<std::string> json_text(const std::vector<ProjectStatus>& projects, int indent);

} // namespace castra
