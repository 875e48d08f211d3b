// SPDX-License-Identifier: Apache-2.0
// An accelerator is proved, not assumed: a /dev/kvm that opens says nothing about whether guests run. The probe is a
// real QEMU with the machine type and CPU model of the real run, through the same firmware and PVH entry, into a guest
// of 832 bytes (probe_guest.S) that must report from long mode in time. A crash, a hang and a crawl are all "not
// proved".
#pragma once
#include "launcher-qemu/options.hpp"

namespace castra::launcher_qemu {

constexpr const char* kvm_probe_id = "kvm";

// What really runs: an accelerator and the CPU model on it.
struct Acceleration {
    std::string accelerator; // kvm, tcg
    std::string cpu;
    std::optional<sdk::Warning> warning;
};

// Would also pass under TCG, in well under a second: so a failure is the accelerator's, not the probe's.
sdk::Probe make_probe(const Options& options, const std::string& accelerator, const std::string& cpu);

// None for accelerator = "tcg".
std::vector<sdk::Probe> needed_probes(const Options& options);

// Errors: sdk::Refusal when accelerator = "kvm" and it is not proved.
Acceleration choose_acceleration(const Options& options, const std::map<std::string, sdk::ProbeVerdict>& verdicts);

extern const char* const probe_guest_base64;

} // namespace castra::launcher_qemu
