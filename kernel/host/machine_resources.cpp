// SPDX-License-Identifier: Apache-2.0
#include "host/machine_resources.hpp"

#include <cstring>
#include <fstream>
#include <sys/statvfs.h>
#include <thread>

namespace castra {
namespace {

std::int64_t available_memory() {
    std::ifstream file("/proc/meminfo");
    constexpr std::string_view key = "MemAvailable:";
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(key)) return std::strtoll(line.c_str() + key.size(), nullptr, 10) * 1024;
    return 0;
}

} // namespace

MachineResources machine_resources(const std::filesystem::path& directory) {
    MachineResources has;
    has.cores = std::thread::hardware_concurrency();
    has.memory_available_bytes = available_memory();
    std::error_code error;
    auto there = directory;
    while (!std::filesystem::exists(there, error) && there.has_relative_path())
        there = there.parent_path();
    struct statvfs disk {};
    if (::statvfs(there.c_str(), &disk) == 0) {
        has.disk_available_bytes = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize);
        has.disk_known = true;
    }
    return has;
}

} // namespace castra
