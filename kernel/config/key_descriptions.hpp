// SPDX-License-Identifier: Apache-2.0
// What each key of castra.toml means, in a sentence for whoever types it: editors show it beside the key.
// docs/CONFIG.md says more.
#pragma once
#include <string_view>

namespace castra {

// `table`: KnownTable::path, or "plugins". An instance's key means what the VM's does, and a VM's bootstrap key what
// [bootstrap] says. Empty: there is no such key.
std::string_view description_of(std::string_view table, std::string_view key);

} // namespace castra
