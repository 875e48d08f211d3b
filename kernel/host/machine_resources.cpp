// SPDX-License-Identifier: Apache-2.0
#include "host/machine_resources.hpp"

#include "host/directory_watch.hpp"

#include <cstring>
#include <fstream>
#include <sys/stat.h>
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

MachineResources machine_resources() {
    MachineResources has;
    has.cores = std::thread::hardware_concurrency();
    has.memory_available_bytes = available_memory();
    return has;
}

DiskSpace disk_space(const std::filesystem::path& directory) {
    const auto there = nearest_existing(directory);
    struct stat info {};
    struct statvfs disk {};
    if (::stat(there.c_str(), &info) != 0 || ::statvfs(there.c_str(), &disk) != 0) return {};
    return {info.st_dev, static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize), true};
}

} // namespace castra
