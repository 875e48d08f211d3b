// SPDX-License-Identifier: Apache-2.0
// [vms.options] of a VM that this launcher starts, decoded and checked. README.md has the table for people.
#pragma once
#include "castra/sdk/launch_plan.hpp"

namespace castra::launcher_qemu {

using sdk::Json;

enum class MachineType { q35, pc, microvm };
enum class Accelerator { automatic, kvm, tcg };

struct Options {
    MachineType machine = MachineType::q35;
    Accelerator accelerator = Accelerator::automatic;
    std::string cpu;              // QEMU's -cpu; empty: what suits the accelerator
    std::int64_t tb_size_mib = 0; // TCG's translation buffer; 0: by the VM's memory
    bool acpi = true;             // default false on microvm. Without it there is no power button
    bool network = true;
    bool sandbox = true; // QEMU's own seccomp filter
    std::string qemu_binary = "qemu-system-x86_64";
    std::string qemu_img = "qemu-img";
    std::vector<std::string> extra_args;
};

// `defaults` is the plugin's own config; a VM's options go over it.
// Errors: sdk::Refusal with field_path and hint.
Options decode_options(const Json& options, const Json& defaults);

std::string text_of(MachineType machine);

} // namespace castra::launcher_qemu
