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
};

// A file system's room for this user.
struct DiskSpace {
    std::uint64_t device = 0;
    std::int64_t available_bytes = 0; // 0 with is_known false
    bool is_known = false;
};

// Never fail: what cannot be told is unknown, and unknown is not refused.
MachineResources machine_resources();
DiskSpace disk_space(const std::filesystem::path& directory); // where it is or will be

} // namespace castra
