// SPDX-License-Identifier: Apache-2.0
#include "launcher-qemu/exit_hints.hpp"

namespace castra::launcher_qemu {
namespace {

struct KnownWords {
    const char* words; // in stderr
    const char* hint;
};

// The first that fits counts: the exact before the general.
constexpr KnownWords known[] = {
    {"Could not set up host forwarding rule",
     "a forwarded host port is in use: `ss -ltnup` shows by whom; choose another host port, or 0 for any free one"},
    {"Could not access KVM kernel module: Permission denied",
     "add your user to the group kvm and log in again, or set accelerator = \"tcg\" in [vms.options]"},
    {"Could not access KVM",
     "this machine offers no KVM: switch on (nested) virtualisation, or set accelerator = \"tcg\" in [vms.options]"},
    {"failed to initialize kvm", "KVM does not work here: set accelerator = \"tcg\" in [vms.options]"},
    {"failed to set MSR",
     "this CPU model does not work with KVM here: set cpu, or accelerator = \"tcg\", in [vms.options]"},
    {"CPU model 'host' requires KVM", "remove cpu, or set accelerator = \"kvm\", in [vms.options]"},
    {"unable to find CPU model", "`qemu-system-x86_64 -cpu help` lists the models for cpu in [vms.options]"},
    {"Failed to lock", "another process has the disk open: is the VM running already?"},
    {"\"write\" lock", "another process has the disk open: is the VM running already?"},
    {"annot set up guest memory", "too little free memory on this machine: lower memory, or stop other VMs"},
    {"annot allocate memory", "too little free memory on this machine: lower memory, or stop other VMs"},
    {"could not load kernel",
     "boot.kernel is no bootable kernel: a bzImage, or an uncompressed vmlinux with a PVH note"},
    {"without PVH ELF Note", "boot.kernel was built without CONFIG_PVH: use its bzImage (vmlinuz) instead"},
    {"could not load initrd", "boot.initrd cannot be read, or does not fit into memory"},
    {"initrd is too large", "boot.initrd does not fit into memory: raise memory"},
    {"Image is not in qcow2 format",
     "the disk image is not what its format says: `qemu-img info FILE` tells what it is"},
    {"There is no option group 'sandbox'", "this QEMU has no seccomp filter: set options.sandbox = false"},
    {"seccomp", "QEMU's seccomp filter cannot be used here: set options.sandbox = false"},
    {"is not a valid device model name", "this QEMU lacks a device: install qemu-system-x86 completely"},
    {"Unable to mount root fs",
     "the guest found no root disk: check root= in boot.append, and virtio drivers in its initrd"},
    {"System is deadlocked on memory", "the guest ran out of memory: raise memory"},
    {"Out of memory", "the guest ran out of memory: raise memory"},
    {"CPU does not support x86-64-v", "the guest needs a newer CPU model: set cpu = \"max\" in [vms.options]"},
    {"No working init found", "the guest has no init: check boot.initrd and root= in boot.append"},
    {"Kernel panic - not syncing", "the guest's kernel panicked: its last lines are in serial.log"},
};

} // namespace

std::string hint_for(const sdk::ExitReport& report) {
    for (const auto& entry : known)
        if (report.stderr_tail.find(entry.words) != std::string::npos) return entry.hint;
    if (report.signal == "SIGKILL" && report.phase != "shutdown")
        return "killed from outside; if nobody did, the kernel was out of memory: see `dmesg`";
    if (report.signal == "SIGSYS") return "QEMU did what its seccomp filter forbids: set options.sandbox = false";
    if (report.exit_code == 0 && report.phase == "boot")
        return "the guest switched itself off or panicked before it was ready: its last lines are in serial.log";
    return {};
}

} // namespace castra::launcher_qemu
