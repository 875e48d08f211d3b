// SPDX-License-Identifier: Apache-2.0
// What a plan holds beside its argv, and what is refused.
#include "vm_specs.hpp"

namespace castra::launcher_qemu {
namespace {

TEST(QemuLauncher, PlansSocketsReadinessAndIdentity) {
    const auto made = plan(tiny_tcg());
    ASSERT_EQ(made.sockets.size(), 2U);
    EXPECT_EQ(made.sockets[0].name, "qmp");
    EXPECT_EQ(made.sockets[0].path, "/run/c/web-0/qmp");
    EXPECT_EQ(made.sockets[0].log, "");
    EXPECT_EQ(made.sockets[1].name, "serial");
    EXPECT_EQ(made.sockets[1].log, "/state/web-0/serial.log");
    EXPECT_EQ(made.readiness.kind, "marker");
    EXPECT_EQ(made.readiness.socket, "serial");
    EXPECT_EQ(made.readiness.text, "CASTRA-READY");
    ASSERT_TRUE(made.identity);
    EXPECT_EQ(made.identity->exchanges.back().send, R"({"execute":"query-uuid"})");
    EXPECT_EQ(made.identity->exchanges.back().expect, uuid);
}

TEST(QemuLauncher, SocketNamesFitBehindTheRuntimeDirectory) {
    for (const auto& socket : plan(tiny_tcg()).sockets)
        EXPECT_LE(socket.path.size(), std::string("/run/c/web-0").size() + 24);
}

TEST(QemuLauncher, SamePlanForTheSameRequest) {
    EXPECT_EQ(Json(plan(tiny())), Json(plan(tiny())));
}

TEST(QemuLauncher, WarnsWhenNothingTellsReadiness) {
    auto request = tiny_tcg();
    request.vm.ready_marker = "";
    const auto made = plan(request);
    EXPECT_EQ(made.readiness.kind, "started");
    ASSERT_EQ(made.warnings.size(), 1U);
    EXPECT_EQ(made.warnings[0].code, "readiness_unknown");
}

TEST(QemuLauncher, AsksAMachineWithAPowerButtonToPowerDown) {
    const auto made = plan(tiny_tcg());
    ASSERT_EQ(made.stop.size(), 1U);
    EXPECT_EQ(made.stop[0].method, "acpi");
    EXPECT_EQ(made.stop[0].socket, "qmp");
    std::string talk;
    for (const auto& exchange : made.stop[0].exchanges)
        talk += exchange.send + " -> " + exchange.expect + "\n";
    EXPECT_EQ(talk, R"( -> "QMP"
{"execute":"qmp_capabilities"} -> "return"
{"execute":"cont","id":"cont"} -> "cont"
{"execute":"system_powerdown"} -> "return"
)");
    EXPECT_TRUE(plan(tiny_tcg({{"machine", "microvm"}})).stop.empty());
    EXPECT_EQ(plan(tiny_tcg({{"machine", "microvm"}, {"acpi", true}})).stop.size(), 1U);
}

TEST(QemuLauncher, NeedsTheToolsAndFilesOfItsPlan) {
    auto vm = tiny().vm;
    QemuLauncher launcher(Json::object());
    EXPECT_EQ(launcher.requirements({vm}).programs.size(), 1U);
    vm.base_image = "/img/disk.qcow2";
    vm.base_format = "qcow2";
    const auto needs = launcher.requirements({vm});
    ASSERT_EQ(needs.programs.size(), 2U);
    EXPECT_EQ(needs.programs[1].name, "qemu-img");
    EXPECT_EQ(needs.programs[1].hint, "apt-get install qemu-utils");
    std::string files;
    for (const auto& file : needs.files)
        files += file.path + " " + (file.hint.empty() ? "no hint " : "");
    EXPECT_EQ(files, "/img/disk.qcow2 /img/vmlinux /img/initrd ");
}

TEST(QemuLauncher, TakesProgramsFromItsConfigUnlessTheVmSaysOtherwise) {
    const Json config = {{"qemu_binary", "/opt/qemu"}};
    EXPECT_EQ(plan(tiny_tcg(), config).argv.front(), "/opt/qemu");
    EXPECT_EQ(plan(tiny_tcg({{"qemu_binary", "/my/qemu"}}), config).argv.front(), "/my/qemu");
}

TEST(Options, AreRefusedWithFieldAndCure) {
    const std::pair<Json, const char*> cases[] = {
        {{{"machin", "q35"}},
         "/vm/options/machin: the launcher qemu has no option \"machin\" | did you mean \"machine\"? options: "
         "machine, "},
        {{{"machine", "isapc"}},
         "/vm/options/machine: option machine = \"isapc\" is unknown | one of microvm, pc, q35"},
        {{{"machine", ""}}, "/vm/options/machine: option machine = \"\" is unknown"},
        {{{"machine", 7}}, "/vm/options/machine: option machine must be a text | it is 7"},
        {{{"accelerator", "hax"}},
         "/vm/options/accelerator: option accelerator = \"hax\" is unknown | one of auto, kvm"},
        {{{"tb_size_mib", 0}}, "/vm/options/tb_size_mib: option tb_size_mib is out of range | 1..4096"},
        {{{"tb_size_mib", 18446744073709551615ULL}}, "/vm/options/tb_size_mib: option tb_size_mib is out of range"},
        {{{"tb_size_mib", 1.5}}, "/vm/options/tb_size_mib: option tb_size_mib must be a whole number"},
        {{{"network", "no"}}, "/vm/options/network: option network must be true or false"},
        {{{"extra_args", "-s"}}, "/vm/options/extra_args: option extra_args must be a list of texts"},
        {{{"extra_args", {1}}}, "/vm/options/extra_args: option extra_args must be a list of texts | it has 1"},
        {{{"cpu", std::string("a\0b", 3)}}, "/vm/options/cpu: option cpu contains a NUL"},
        {{{"qemu_img", ""}}, "/vm/options/qemu_img: option qemu_img is empty"},
        {{{"acpi", false}}, "/vm/options/acpi: only microvm can be without ACPI"},
    };
    for (const auto& [options, expected] : cases) {
        const auto text = refusal_of([&] { plan(tiny(options)); });
        EXPECT_TRUE(text.starts_with(expected)) << options << "\n" << text;
    }
}

TEST(VmSpec, MayLackAFormatUntilItsImageIsThere) {
    auto request = tiny(Json::object());
    request.vm.base_image = "/disk";
    EXPECT_EQ(refusal_of([&] { QemuLauncher(Json::object()).requirements({request.vm}); }), "");
    EXPECT_TRUE(refusal_of([&] { plan(request); }).starts_with("/vm/base_format: image format \"\" is unknown"));
}

TEST(VmSpec, ThatQemuCannotRunIsRefusedBeforehand) {
    const auto refused = [](const Json& options, auto change) {
        auto request = tiny(options);
        change(request.vm);
        const auto early = refusal_of([&] { QemuLauncher(Json::object()).requirements({request.vm}); });
        EXPECT_EQ(early, refusal_of([&] { plan(request); }));
        return early.substr(0, early.find(" |"));
    };
    const Json none = Json::object();
    EXPECT_EQ(refused(none, [](auto& vm) { vm.boot = {}; }), "/vm/boot/kernel: nothing to boot from");
    EXPECT_EQ(refused({{"machine", "microvm"}},
                      [](auto& vm) {
                          vm.boot = {};
                          vm.base_image = "/disk";
                          vm.base_format = "raw";
                      }),
              "/vm/boot/kernel: microvm boots no disks by itself");
    EXPECT_EQ(refused(none,
                      [](auto& vm) {
                          vm.base_image = "/disk";
                          vm.base_format = "vmdk";
                      }),
              "/vm/base_format: image format \"vmdk\" is unknown");
    EXPECT_EQ(refused(none,
                      [](auto& vm) {
                          vm.port_forwards = {{"127.0.0.1,guestfwd=x", 1, 1, "tcp"}};
                      }),
              "/vm/port_forwards/0/address: \"127.0.0.1,guestfwd=x\" is no IPv4 address");
    EXPECT_EQ(refused(none,
                      [](auto& vm) {
                          vm.port_forwards = {{"127.0.0.1", 1, 1, "tcp,x"}};
                      }),
              "/vm/port_forwards/0/protocol: protocol \"tcp,x\" is unknown");
    EXPECT_EQ(refused({{"network", false}},
                      [](auto& vm) {
                          vm.port_forwards = {{"127.0.0.1", 1, 1, "tcp"}};
                      }),
              "/vm/port_forwards/0: port forwards need a network");
    EXPECT_EQ(refused(none, [](auto& vm) { vm.memory_bytes = 0; }), "/vm/memory_bytes: too little memory");
}

TEST(ExitHints, KnowTheWellKnownLastWords) {
    const auto hint = [](const std::string& stderr_tail) {
        return QemuLauncher(Json::object()).explain_exit({tiny().vm, "boot", 1, std::nullopt, stderr_tail}).hint;
    };
    const std::pair<const char*, const char*> cases[] = {
        {"qemu-system-x86_64: -netdev user: Could not set up host forwarding rule 'tcp:127.0.0.1:80-:80'", "in use"},
        {"Could not access KVM kernel module: Permission denied", "group kvm"},
        {"Could not access KVM kernel module: No such file or directory", "offers no KVM"},
        {"Failed to get \"write\" lock", "has the disk open"},
        {"qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory", "free memory"},
        {"qemu: could not load kernel '/x': No such file", "bootable kernel"},
        {"Image is not in qcow2 format", "qemu-img info"},
        {"Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)", "root="},
        {"Kernel panic - not syncing: sysrq triggered crash", "panicked"},
    };
    for (const auto& [words, expected] : cases)
        EXPECT_NE(hint(words).find(expected), std::string::npos) << words << "\n" << hint(words);
    EXPECT_EQ(hint("something new"), "");
}

} // namespace
} // namespace castra::launcher_qemu
