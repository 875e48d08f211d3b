// SPDX-License-Identifier: Apache-2.0
// Preflight: cores, memory, disk. These alone are softened by --force: the machine may swap, and disks can be freed.
#include "operations/fleet_summary.hpp"
#include "operations/preflight.hpp"

#include <algorithm>

namespace castra {
namespace {

bool is_a_machine(const MachineSpec& spec) {
    return !spec.vm.base_image.empty() || !spec.vm.boot.kernel.empty();
}

struct Disk {
    std::filesystem::path directory; // the first that lies on it
    DiskSpace space;
    std::int64_t needed_bytes = 0;
    std::size_t overlays = 0;
    bool has_state = false; // castra's own directories are there
};

std::string mib(std::int64_t bytes) {
    return std::to_string(bytes >> 20) + " MiB";
}

} // namespace

void check_resources(const MachineResources& has, const Starting& starting, Findings& findings) {
    std::int64_t memory = 0;
    std::size_t machines = 0;
    for (const auto* spec : starting) {
        if (!is_a_machine(*spec)) continue;
        ++machines;
        memory += spec->vm.memory_bytes;
        if (has.cores > 0 && spec->vm.cpus > has.cores)
            findings.add("VM " + spec->vm.name + " wants " + std::to_string(spec->vm.cpus) +
                             " cpus, and this machine has " + std::to_string(has.cores),
                         "lower cpus, or castra up --force: the guest's processors then share cores");
    }
    if (has.memory_available_bytes > 0 && memory > has.memory_available_bytes)
        findings.add(vms_text(machines) + " that would start together want " + mib(memory) + " of memory, and " +
                         mib(has.memory_available_bytes) + " are available",
                     "lower memory, start fewer at a time (castra up NAME ...), end something else, or castra up "
                     "--force: what guests do not touch takes no memory");
}

void check_disks(const SpaceOf& space_of, const std::filesystem::path& state_dir, const Starting& starting,
                 Findings& findings) {
    std::vector<Disk> disks;
    auto need = [&](const std::filesystem::path& directory, std::int64_t bytes) -> Disk& {
        const auto space = space_of(directory);
        auto disk = std::ranges::find_if(disks, [&](const Disk& one) {
            return one.space.is_known == space.is_known && one.space.device == space.device;
        });
        if (disk == disks.end()) disk = disks.insert(disks.end(), {directory, space});
        disk->needed_bytes += bytes;
        return *disk;
    };
    need(state_dir, state_bytes_min).has_state = true;
    for (const auto* spec : starting)
        if (!spec->vm.base_image.empty())
            ++need(spec->overlay.empty() ? state_dir : std::filesystem::path(spec->overlay).parent_path(),
                   overlay_bytes_min)
                  .overlays;
    for (const auto& disk : disks) {
        if (!disk.space.is_known || disk.needed_bytes <= disk.space.available_bytes) continue;
        const auto what = disk.has_state ? "overlays, logs and the journal of " + vms_text(starting.size()) + " want "
                                         : "the overlays of " + vms_text(disk.overlays) + " want ";
        findings.add(what + mib(disk.needed_bytes) + " of disk to begin with, and " + mib(disk.space.available_bytes) +
                         " are free where " + disk.directory.string() + " is",
                     disk.has_state ? "castra clean --all frees what castra left; or set [project] state_dir or "
                                      "CASTRA_HOME to another disk; or castra up --force"
                                    : "free some space there, or set overlay to another disk; or castra up --force");
    }
}

} // namespace castra
