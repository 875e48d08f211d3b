// SPDX-License-Identifier: Apache-2.0
// What this machine has to give right now.
#pragma once
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>

namespace castra {

struct MachineResources {
    std::int64_t cores = 0;
    std::int64_t memory_available_bytes = 0; // MemAvailable: what new work can take without swapping; 0: unknown
    std::int64_t disk_available_bytes = 0;   // for this user, where `directory` is or will be; 0 with disk_known false
    bool disk_known = false;
};

// Never fails: what cannot be told is unknown, and unknown is not refused.
MachineResources machine_resources(const std::filesystem::path& directory);

} // namespace castra
