// SPDX-License-Identifier: Apache-2.0
#include "launcher-qemu/probe.hpp"

#include "castra/sdk/refusal.hpp"
#include "launcher-qemu/arguments.hpp"

#include <cerrno>
#include <unistd.h>

namespace castra::launcher_qemu {
namespace {

constexpr std::int64_t probe_deadline_ms = 3000;
constexpr std::int64_t probe_success_exit_code =
    67; // the guest writes 0x21; isa-debug-exit makes (0x21 << 1) | 1 of it

std::string kvm_cpu(const Options& options) {
    return options.cpu.empty() ? "host" : options.cpu;
}

// Quickest under TCG with a small kernel: 4 to 12 % less processor time than max. With Debian's kernel they are equal.
std::string tcg_cpu(const Options& options) {
    return options.cpu.empty() || options.cpu == "host" ? "qemu64" : options.cpu;
}

bool contains(const std::string& text, const char* what) {
    return text.find(what) != std::string::npos;
}

// QEMU's last words are lines; in a sentence they are parts.
std::string one_line(const std::string& text) {
    std::string out;
    for (const char letter : text.substr(0, text.find_last_not_of(" \n\r") + 1))
        out += letter == '\n' ? "; " : std::string(1, letter);
    return out;
}

std::string cure(const std::string& detail) {
    if (contains(detail, "Permission denied"))
        return "add your user to the group kvm (usermod -aG kvm USER), then log in again";
    if (contains(detail, "No such file") || contains(detail, "Could not access KVM"))
        return "this machine has no /dev/kvm: switch on virtualisation in its firmware, or nested virtualisation in "
               "its "
               "hypervisor, and load kvm_intel or kvm_amd";
    return "/dev/kvm is there and does not run guests: check nested virtualisation of this machine";
}

} // namespace

sdk::Probe make_probe(const Options& options, const std::string& accelerator, const std::string& cpu) {
    sdk::Probe probe;
    probe.id = kvm_probe_id;
    probe.argv = {options.qemu_binary,
                  "-nodefaults",
                  "-no-user-config",
                  "-no-reboot",
                  "-display",
                  "none",
                  "-machine",
                  machine_argument(options),
                  "-accel",
                  accelerator,
                  "-cpu",
                  cpu,
                  "-m",
                  "16M",
                  "-device",
                  "isa-debug-exit,iobase=0xf4,iosize=4",
                  "-kernel",
                  "{dir}/probe.elf"};
    probe.files = {{"{dir}/probe.elf", probe_guest_base64}};
    probe.deadline_ms = probe_deadline_ms;
    probe.success_exit_code = probe_success_exit_code;
    // Who is let in to /dev/kvm since, or has loaded the module, shall not hear an old verdict.
    const int closed = ::access("/dev/kvm", R_OK | W_OK) == 0 ? 0 : errno;
    probe.cache_key = "probe-1, kvm: " + std::to_string(closed);
    for (const auto& argument : probe.argv)
        probe.cache_key += "\n" + argument;
    return probe;
}

std::vector<sdk::Probe> needed_probes(const Options& options) {
    if (options.accelerator == Accelerator::tcg) return {};
    return {make_probe(options, "kvm", kvm_cpu(options))};
}

Acceleration choose_acceleration(const Options& options, const std::map<std::string, sdk::ProbeVerdict>& verdicts) {
    if (options.accelerator == Accelerator::tcg) return {"tcg", tcg_cpu(options), std::nullopt};
    const auto found = verdicts.find(kvm_probe_id);
    if (found != verdicts.end() && found->second.ok) return {"kvm", kvm_cpu(options), std::nullopt};
    const auto detail = found == verdicts.end() ? std::string("its probe was not run") : one_line(found->second.detail);
    if (options.accelerator == Accelerator::kvm)
        throw sdk::Refusal({.code = "accelerator_unavailable",
                            .title = "KVM was tried and does not work: " + detail,
                            .detail = detail,
                            .field_path = "/vm/options/accelerator",
                            .hint = cure(detail) + "; or set accelerator = \"auto\" in [vms.options]"});
    return {"tcg", tcg_cpu(options),
            sdk::Warning{"accelerator_fallback",
                         "KVM was tried and does not work, so emulation (TCG) is used, which is "
                         "several times slower: " +
                             detail,
                         cure(detail) + "; or set accelerator = \"tcg\" in [vms.options] to silence this"}};
}

} // namespace castra::launcher_qemu
