// SPDX-License-Identifier: Apache-2.0
#include "operations/preflight.hpp"

#include <gtest/gtest.h>
#include <map>

namespace castra {
namespace {

constexpr std::int64_t gib = 1LL << 30;

MachineSpec guest(const std::string& name, std::int64_t memory_bytes, std::int64_t cpus = 1) {
    MachineSpec spec;
    spec.vm.name = name;
    spec.vm.memory_bytes = memory_bytes;
    spec.vm.cpus = cpus;
    spec.vm.base_image = "/disk";
    return spec;
}

MachineSpec process(const std::string& name) {
    auto spec = guest(name, 100 * gib, 100);
    spec.vm.base_image.clear();
    return spec;
}

MachineResources machine(std::int64_t cores, std::int64_t memory) {
    return {cores, memory};
}

// Directories of one beginning lie on one disk.
using Disks = std::map<std::string, DiskSpace>;

std::vector<Error> check(const Disks& disks, const std::vector<MachineSpec>& specs) {
    Starting starting;
    for (const auto& spec : specs)
        starting.push_back(&spec);
    Findings findings;
    const auto space_of = [&](const std::filesystem::path& directory) {
        for (const auto& [beginning, space] : disks)
            if (directory.string().starts_with(beginning)) return space;
        return DiskSpace{};
    };
    check_disks(space_of, "/state/t", starting, findings);
    return findings.take();
}

MachineSpec guest_at(const std::string& name, const std::string& overlay) {
    auto spec = guest(name, 1);
    spec.overlay = overlay;
    return spec;
}

std::vector<Error> check(const MachineResources& has, const std::vector<MachineSpec>& specs) {
    Starting starting;
    for (const auto& spec : specs)
        starting.push_back(&spec);
    Findings findings;
    check_resources(has, starting, findings);
    return findings.take();
}

TEST(PreflightResources, AddUpTheMemoryOfAllThatStartTogether) {
    EXPECT_TRUE(check(machine(4, 2 * gib), {guest("a", gib), guest("b", gib)}).empty());
    const auto found = check(machine(4, 2 * gib), {guest("a", gib), guest("b", gib), guest("c", 1 << 20)});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NE(found[0].text.find("3 VMs that would start together want 2049 MiB"), std::string::npos) << found[0].text;
    EXPECT_NE(found[0].text.find("2048 MiB are available"), std::string::npos);
    EXPECT_NE(found[0].hint.find("--force"), std::string::npos);
    EXPECT_EQ(found[0].code, ErrorCode::preflight);
}

TEST(PreflightResources, CompareCpusOfEachVmWithTheCores) {
    EXPECT_TRUE(check(machine(2, 0), {guest("a", gib, 2), guest("b", gib, 2)}).empty()) << "cores are shared";
    const auto found = check(machine(2, 0), {guest("a", gib, 3)});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NE(found[0].text.find("VM a wants 3 cpus, and this machine has 2"), std::string::npos);
}

TEST(PreflightResources, AskForRoomForEachOverlayAndTheJournal) {
    const auto enough = state_bytes_min + 2 * overlay_bytes_min;
    EXPECT_TRUE(check(Disks{{"/state", {1, enough, true}}}, {guest("a", 1), guest("b", 1)}).empty());
    const auto found = check(Disks{{"/state", {1, enough - 1, true}}}, {guest("a", 1), guest("b", 1)});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NE(found[0].text.find("where /state/t is"), std::string::npos) << found[0].text;
    EXPECT_EQ(check(Disks{{"/state", {1, 0, true}}}, {process("p")}).size(), 1U) << "the journal too";
}

TEST(PreflightResources, AskEachDiskForWhatLiesOnIt) {
    const std::vector<MachineSpec> specs{guest("a", 1), guest_at("b", "/fast/b"), guest_at("c", "/fast/c"),
                                         guest_at("d", "/state/other/d")};
    const DiskSpace state{1, state_bytes_min + 2 * overlay_bytes_min, true}, fast{2, 2 * overlay_bytes_min, true};
    EXPECT_TRUE(check(Disks{{"/state", state}, {"/fast", fast}}, specs).empty());
    auto less = fast;
    less.available_bytes -= 1;
    const auto found = check(Disks{{"/state", state}, {"/fast", less}}, specs);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NE(found[0].text.find("the overlays of 2 VMs want 64 MiB"), std::string::npos) << found[0].text;
    EXPECT_NE(found[0].text.find("where /fast is"), std::string::npos) << found[0].text;
    less = state;
    less.available_bytes -= 1;
    EXPECT_EQ(check(Disks{{"/state", less}, {"/fast", fast}}, specs).size(), 1U);
    auto same = fast;
    same.device = state.device;
    EXPECT_EQ(check(Disks{{"/state", state}, {"/fast", same}}, specs).size(), 1U) << "one disk by two names";
    EXPECT_TRUE(check(Disks{{"/state", state}}, specs).empty()) << "unknown is not refused";
}

TEST(PreflightResources, LeaveProcessesAlone) {
    EXPECT_TRUE(check(machine(1, 1), {process("p"), process("q")}).empty());
}

TEST(PreflightResources, DoNotRefuseWhatIsUnknown) {
    MachineResources unknown;
    EXPECT_TRUE(check(unknown, {guest("a", gib, 8)}).empty());
}

TEST(PreflightReport, StandsInTheWayUnlessForcedAndThenStillForTheRest) {
    PreflightReport report{{{ErrorCode::preflight, "no qemu", ""}}, {{ErrorCode::preflight, "no memory", ""}}};
    EXPECT_EQ(report.refusals(false).size(), 2U);
    ASSERT_EQ(report.refusals(true).size(), 1U);
    EXPECT_EQ(report.refusals(true)[0].text, "no qemu");
}

TEST(Findings, SayTheSameOnce) {
    Findings findings;
    findings.add("x", "");
    findings.add("x", "");
    findings.add("y", "");
    EXPECT_EQ(findings.take().size(), 2U);
}

} // namespace
} // namespace castra
