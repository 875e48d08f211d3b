// SPDX-License-Identifier: Apache-2.0
// [bootstrap] and [vms.bootstrap]: the same keys, laid over what stands in the target.
#pragma once
#include "config/project_config.hpp"
#include "config/reader.hpp"

namespace castra {

// `reader`: the bootstrap table itself.
void read_bootstrap(const Reader& reader, BootstrapConfig& into);

// The words for a mode and what they stand for.
std::span<const Choice> bootstrap_mode_words();

// remote_dir, wherever it stands. Files are written and replaced below it, so it is a directory of castra's own:
// neither the root nor one that a system needs.
void read_remote_dir(const Reader& reader, std::string& into);

} // namespace castra
