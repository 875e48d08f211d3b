// SPDX-License-Identifier: Apache-2.0
#include "launcher-qemu/spec_check.hpp"

#include "castra/sdk/refusal.hpp"

#include <arpa/inet.h>

namespace castra::launcher_qemu {
namespace {

constexpr std::int64_t memory_bytes_min = 1 << 20;

[[noreturn]] void refuse(const std::string& field, const std::string& title, const std::string& hint) {
    throw sdk::Refusal({.code = "invalid_vm", .title = title, .field_path = "/vm/" + field, .hint = hint});
}

void check_boot(const sdk::VmSpec& vm, const Options& options) {
    if (vm.boot.kernel.empty() && vm.base_image.empty())
        refuse("boot/kernel", "nothing to boot from", "set image, base_image or [vms.boot] kernel");
    if (vm.boot.kernel.empty() && options.machine == MachineType::microvm)
        refuse("boot/kernel", "microvm boots no disks by itself",
               "set [vms.boot] kernel and initrd, or options.machine = \"q35\"");
    if (vm.boot.kernel.empty() && !vm.boot.initrd.empty())
        refuse("boot/initrd", "an initrd without a kernel", "set [vms.boot] kernel too");
}

void check_forward(const sdk::PortForward& forward, const std::string& field, const Options& options) {
    if (!options.network)
        refuse(field, "port forwards need a network", "remove them, or remove options.network = false");
    in_addr parsed{};
    if (::inet_pton(AF_INET, forward.address.c_str(), &parsed) != 1)
        refuse(field + "/address", "\"" + forward.address + "\" is no IPv4 address",
               "QEMU's user network forwards IPv4 only: 127.0.0.1");
    if (forward.protocol != "tcp" && forward.protocol != "udp")
        refuse(field + "/protocol", "protocol \"" + forward.protocol + "\" is unknown", "tcp or udp");
    if (forward.guest == 0) refuse(field + "/guest", "no guest port", "1..65535");
}

} // namespace

void check_format(const sdk::VmSpec& vm) {
    if (!vm.base_image.empty() && vm.base_format != "qcow2" && vm.base_format != "raw")
        refuse("base_format", "image format \"" + vm.base_format + "\" is unknown",
               "qcow2 or raw; qemu-img convert makes them");
}

void check_spec(const sdk::VmSpec& vm, const Options& options) {
    check_boot(vm, options);
    if (!vm.base_format.empty()) check_format(vm);
    if (vm.cpus < 1) refuse("cpus", "a VM needs a CPU", "cpus = 1");
    if (vm.memory_bytes < memory_bytes_min) refuse("memory_bytes", "too little memory", "memory = \"128 MiB\"");
    for (std::size_t i = 0; i < vm.port_forwards.size(); ++i)
        check_forward(vm.port_forwards[i], "port_forwards/" + std::to_string(i), options);
}

} // namespace castra::launcher_qemu
