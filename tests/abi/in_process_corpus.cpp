// SPDX-License-Identifier: Apache-2.0
#include "corpus.hpp"

namespace castra {

bool is_isolated() {
    return false;
}
PluginPolicy test_policy(const std::filesystem::path&) {
    return {};
}

} // namespace castra
