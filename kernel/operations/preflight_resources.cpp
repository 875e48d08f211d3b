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

std::string mib(std::int64_t bytes) {
    return std::to_string(bytes >> 20) + " MiB";
}

} // namespace

void check_resources(const MachineResources& has, const Starting& starting, Findings& findings) {
    std::int64_t memory = 0, disk = state_bytes_min;
    std::size_t machines = 0;
    for (const auto* spec : starting) {
        if (!is_a_machine(*spec)) continue;
        ++machines;
        memory += spec->vm.memory_bytes;
        if (!spec->vm.base_image.empty()) disk += overlay_bytes_min;
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
    if (has.disk_known && disk > has.disk_available_bytes)
        findings.add("overlays, logs and the journal of " + vms_text(starting.size()) + " want " + mib(disk) +
                         " of disk to begin with, and " + mib(has.disk_available_bytes) + " are free",
                     "castra clean --all frees what castra left; or set [project] state_dir or CASTRA_HOME to another "
                     "disk; or castra up --force");
}

} // namespace castra
