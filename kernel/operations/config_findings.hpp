// SPDX-License-Identifier: Apache-2.0
// What is wrong with a project's file: its own mistakes, then, when it has none, what the plugins it names say of their
// tables by the schemas of their manifests. None of their code runs, nothing is loaded.
#pragma once
#include "config/load.hpp"
#include "operations/project.hpp"

namespace castra {

// Empty: the file is good. In the order of lines.
ConfigErrors plugin_findings(const Installation& installation, const ProjectConfig& project);

} // namespace castra
