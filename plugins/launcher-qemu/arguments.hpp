// SPDX-License-Identifier: Apache-2.0
// QEMU's command line for a VM. Every text that came from outside is one whole argument, or stands in a comma separated
// value with its commas doubled: nothing in a name or path can become an option.
#pragma once
#include "launcher-qemu/options.hpp"
#include "launcher-qemu/probe.hpp"

namespace castra::launcher_qemu {

// The value of -machine.
std::string machine_argument(const Options& options);

// Requires: vm and options went through check_spec().
std::vector<std::string> make_arguments(const sdk::VmSpec& vm, const sdk::VmPaths& paths, const Options& options,
                                        const Acceleration& acceleration);

// The kernel's command line: what boot.append says, and what it left out of console= and castra.hostname=.
std::string kernel_command_line(const sdk::VmSpec& vm);

// The same uuid, the same address; its prefix is QEMU's.
std::string mac_address(const std::string& uuid);

// Where a comma would end the value.
std::string double_commas(const std::string& text);

} // namespace castra::launcher_qemu
