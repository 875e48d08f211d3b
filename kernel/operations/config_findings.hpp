// SPDX-License-Identifier: Apache-2.0
// What is wrong with a file that is none of the file's own: plugins it names that are not there or of another kind,
// and what those that are there say of their tables by the schemas of their manifests. None of their code runs.
#pragma once
#include "config/load.hpp"
#include "operations/project.hpp"

namespace castra {

// Empty: the file is good. In the order of lines.
ConfigErrors plugin_findings(const Installation& installation, const ProjectConfig& project);
// What a command refuses before it loads any plugin: tables that do not fit, and reporters that are not there, which
// nobody would miss until their events are wanted. Launchers and steps say themselves that they are missing.
std::vector<Error> plugin_refusals(const Installation& installation, const ProjectConfig& project);

} // namespace castra
