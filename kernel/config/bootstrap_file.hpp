// SPDX-License-Identifier: Apache-2.0
// bootstrap.toml beside a VM's script: what belongs to the script rather than to the fleet. Laid over what castra.toml
// says of the VM: it wins key by key, its [env] name by name. Every mistake is told at once, as those of castra.toml.
#pragma once
#include "config/load.hpp"

namespace castra {

// `text`: the file's content; `file`: its absolute path, also where relative paths start.
tl::expected<void, ConfigErrors> lay_over(BootstrapConfig& bootstrap, std::string_view text,
                                          const std::filesystem::path& file, const ConfigEnvironment& environment);

// For every VM that has a script with such a file beside it.
tl::expected<void, LoadFailure> read_bootstrap_files(ProjectConfig& project);

} // namespace castra
