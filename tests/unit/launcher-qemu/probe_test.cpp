// SPDX-License-Identifier: Apache-2.0
#include "launcher-qemu/probe.hpp"
#include "vm_specs.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace castra::launcher_qemu {
namespace {

sdk::Requirements requirements(const Json& options) {
    return QemuLauncher(Json::object()).requirements({tiny(options).vm});
}

TEST(Probe, RunsTheMachineAndCpuOfTheRealRun) {
    const auto probes = requirements({{"machine", "microvm"}}).probes;
    ASSERT_EQ(probes.size(), 1U);
    EXPECT_EQ(lines(probes[0].argv), R"(qemu-system-x86_64
-nodefaults
-no-user-config
-no-reboot
-display none
-machine microvm,acpi=off
-accel kvm
-cpu host
-m 16M
-device isa-debug-exit,iobase=0xf4,iosize=4
-kernel {dir}/probe.elf
)");
    EXPECT_EQ(probes[0].id, "kvm");
    EXPECT_EQ(probes[0].success_exit_code, 67);
    EXPECT_EQ(probes[0].files.at(0).path, "{dir}/probe.elf");
}

TEST(Probe, IsAskedForOnlyWhereKvmMayBeUsed) {
    EXPECT_EQ(requirements({{"accelerator", "kvm"}}).probes.size(), 1U);
    EXPECT_EQ(requirements({{"accelerator", "auto"}}).probes.size(), 1U);
    EXPECT_TRUE(requirements({{"accelerator", "tcg"}}).probes.empty());
}

TEST(Probe, IsCachedByWhatItDependsOn) {
    const auto key = [](const Json& options) { return requirements(options).probes.at(0).cache_key; };
    EXPECT_EQ(key(Json::object()), key({{"network", false}}));
    EXPECT_NE(key(Json::object()), key({{"machine", "pc"}}));
    EXPECT_NE(key(Json::object()), key({{"cpu", "EPYC"}}));
    EXPECT_NE(key(Json::object()), key({{"qemu_binary", "/opt/qemu"}}));
}

TEST(Acceleration, IsKvmWhenProved) {
    auto request = tiny();
    request.probes["kvm"] = {true, "proved"};
    const auto made = plan(request);
    EXPECT_EQ(made.accelerator, "kvm");
    EXPECT_EQ(value_of(made.argv, "-accel"), "kvm");
    EXPECT_EQ(value_of(made.argv, "-cpu"), "host");
    EXPECT_TRUE(made.warnings.empty());
}

TEST(Acceleration, FallsBackAndSaysWhyAndTheCure) {
    const std::pair<const char*, const char*> cases[] = {
        {"timed out after 3000 ms", "nested virtualisation"},
        {"exit code 134: failed to set MSR 0x10a to 0x69", "/dev/kvm is there"},
        {"exit code 1: Could not access KVM kernel module: Permission denied", "group kvm"},
        {"exit code 1: Could not access KVM kernel module: No such file or directory", "has no /dev/kvm"},
    };
    for (const auto& [detail, cure] : cases) {
        auto request = tiny();
        request.probes["kvm"] = {false, detail};
        const auto made = plan(request);
        EXPECT_EQ(made.accelerator, "tcg");
        EXPECT_EQ(value_of(made.argv, "-cpu"), "qemu64");
        ASSERT_EQ(made.warnings.size(), 1U);
        EXPECT_EQ(made.warnings[0].code, "accelerator_fallback");
        EXPECT_NE(made.warnings[0].text.find(detail), std::string::npos);
        EXPECT_NE(made.warnings[0].hint.find(cure), std::string::npos) << made.warnings[0].hint;
        EXPECT_NE(made.warnings[0].hint.find("accelerator = \"tcg\" in [vms.options]"), std::string::npos);
    }
}

TEST(Acceleration, SaysSeveralLinesOfQemuAsOne) {
    auto request = tiny();
    request.probes["kvm"] = {false, "exit code 1: one\ntwo\n"};
    EXPECT_TRUE(plan(request).warnings.at(0).text.ends_with("exit code 1: one; two"));
}

TEST(Acceleration, WithoutAVerdictIsNotProved) {
    EXPECT_EQ(plan(tiny()).accelerator, "tcg");
}

TEST(Acceleration, HostCpuNeverReachesTcg) {
    EXPECT_EQ(value_of(plan(tiny({{"cpu", "host"}})).argv, "-cpu"), "qemu64");
    EXPECT_NE(refusal_of([] { plan(tiny_tcg({{"cpu", "host"}})); }), "");
}

TEST(Acceleration, DemandedAndNotProvedIsRefused) {
    auto request = tiny({{"accelerator", "kvm"}});
    request.probes["kvm"] = {false, "timed out after 3000 ms"};
    const auto text = refusal_of([&] { plan(request); });
    EXPECT_NE(text.find("/vm/options/accelerator: KVM was tried and does not work: timed out"), std::string::npos)
        << text;
    EXPECT_NE(text.find("accelerator = \"auto\""), std::string::npos);
}

TEST(Acceleration, TcgByChoiceIsSilent) {
    const auto made = plan(tiny_tcg());
    EXPECT_EQ(made.accelerator, "tcg");
    EXPECT_TRUE(made.warnings.empty());
}

std::string contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// The bytes in probe_guest.cpp are those that the commands in probe_guest.S make.
TEST(ProbeGuest, IsMadeFromItsSource) {
    const auto source = std::filesystem::path(CASTRA_SOURCE_DIR) / "plugins/launcher-qemu/probe_guest.S";
    const auto dir = std::filesystem::temp_directory_path() / ("probe_guest_" + std::to_string(::getpid()));
    std::filesystem::create_directory(dir);
    const auto script = "cd '" + dir.string() + "' && as --64 '" + source.string() +
                        "' -o probe.o && ld -m elf_x86_64 -N -Ttext=0x100000 -e start --build-id=none -s probe.o -o "
                        "probe.elf 2>/dev/null && base64 -w0 probe.elf >text";
    const bool built = std::system(script.c_str()) == 0;
    const auto text = contents(dir / "text");
    std::filesystem::remove_all(dir);
    if (!built) GTEST_SKIP() << "no binutils for x86-64";
    EXPECT_EQ(text, probe_guest_base64);
}

} // namespace
} // namespace castra::launcher_qemu
