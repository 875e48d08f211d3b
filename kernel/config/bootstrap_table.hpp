// SPDX-License-Identifier: Apache-2.0
// [bootstrap] and [vms.bootstrap]: the same keys, laid over what stands in the target.
#pragma once
#include "config/project_config.hpp"
#include "config/reader.hpp"

namespace castra {

// `reader`: the bootstrap table itself.
void read_bootstrap(const Reader& reader, BootstrapConfig& into);

} // namespace castra
