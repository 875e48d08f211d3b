// SPDX-License-Identifier: Apache-2.0
#include "corpus.hpp"

namespace castra {

bool is_isolated() {
    return true;
}
PluginPolicy test_policy(const std::filesystem::path& dir) {
    PluginPolicy policy;
    policy.host_program = std::filesystem::path(CASTRA_BINARY_DIR) / "bin/castra-plugin-host";
    policy.quarantine_dir = dir / "quarantine";
    return policy;
}

} // namespace castra
