// SPDX-License-Identifier: Apache-2.0
// QEMU's command line, as text, for each profile; each of these was booted by hand.
#include "launcher-qemu/arguments.hpp"
#include "vm_specs.hpp"

#include <set>

namespace castra::launcher_qemu {
namespace {

TEST(Arguments, BootAKernelOnQ35) {
    auto request = tiny_tcg();
    request.paths.authorized_keys = "/state/web-0/ssh/id_ed25519.pub";
    request.vm.port_forwards = {{"127.0.0.1", 20022, 22, "tcp"}, {"127.0.0.1", 20053, 53, "udp"}};
    EXPECT_EQ(lines(plan(request).argv), R"(qemu-system-x86_64
-nodefaults
-no-user-config
-no-reboot
-display none
-name guest=fleet/web-0
-uuid 00112233-4455-4677-8899-aabbccddeeff
-machine q35
-accel tcg,thread=multi,tb-size=32
-cpu qemu64
-smp cpus=1
-m 128M
-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
-chardev socket,id=qmp,fd={fd:qmp},server=on,wait=off
-mon chardev=qmp,mode=control
-chardev socket,id=serial0,fd={fd:serial},server=on,wait=off
-serial chardev:serial0
-device virtio-rng-pci
-netdev user,id=net0,hostfwd=tcp:127.0.0.1:20022-:22,hostfwd=udp:127.0.0.1:20053-:53
-device virtio-net-pci,netdev=net0,mac=52:54:00:9b:cc:af,romfile=
-fw_cfg name=opt/castra/hostname,string=web-0
-fw_cfg name=opt/castra/authorized_keys,file=/state/web-0/ssh/id_ed25519.pub
-kernel /img/vmlinux
-initrd /img/initrd
-append console=ttyS0 loglevel=1 castra.hostname=web-0
)");
}

TEST(Arguments, BootAKernelWithADiskOnMicrovm) {
    auto request = tiny_tcg({{"machine", "microvm"}, {"sandbox", false}});
    request.vm.memory_bytes = 256 << 20;
    request.vm.cpus = 2;
    request.vm.base_image = "/img/disk.qcow2";
    request.vm.base_format = "qcow2";
    EXPECT_EQ(lines(plan(request).argv), R"(qemu-system-x86_64
-nodefaults
-no-user-config
-no-reboot
-display none
-name guest=fleet/web-0
-uuid 00112233-4455-4677-8899-aabbccddeeff
-machine microvm,acpi=off
-accel tcg,thread=multi,tb-size=64
-cpu qemu64
-smp cpus=2
-m 256M
-chardev socket,id=qmp,fd={fd:qmp},server=on,wait=off
-mon chardev=qmp,mode=control
-chardev socket,id=serial0,fd={fd:serial},server=on,wait=off
-serial chardev:serial0
-device virtio-rng-device
-netdev user,id=net0
-device virtio-net-device,netdev=net0,mac=52:54:00:9b:cc:af
-blockdev driver=qcow2,node-name=disk0,cache.no-flush=on,discard=unmap,file.driver=file,file.discard=unmap,file.cache.no-flush=on,file.filename=/state/web-0/overlay.qcow2
-device virtio-blk-device,drive=disk0
-fw_cfg name=opt/castra/hostname,string=web-0
-kernel /img/vmlinux
-initrd /img/initrd
-append console=ttyS0 loglevel=1 castra.hostname=web-0
)");
}

TEST(Arguments, BootADiskOnPcWithKvm) {
    auto request = tiny({{"machine", "pc"}, {"network", false}, {"extra_args", {"-snapshot"}}});
    request.vm.boot = {};
    request.vm.base_image = "/img/disk.raw";
    request.vm.base_format = "raw";
    request.probes["kvm"] = {true, "proved"};
    EXPECT_EQ(lines(plan(request).argv), R"(qemu-system-x86_64
-nodefaults
-no-user-config
-no-reboot
-display none
-name guest=fleet/web-0
-uuid 00112233-4455-4677-8899-aabbccddeeff
-machine pc
-accel kvm
-cpu host
-smp cpus=1
-m 128M
-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
-chardev socket,id=qmp,fd={fd:qmp},server=on,wait=off
-mon chardev=qmp,mode=control
-chardev socket,id=serial0,fd={fd:serial},server=on,wait=off
-serial chardev:serial0
-device virtio-rng-pci
-blockdev driver=qcow2,node-name=disk0,cache.no-flush=on,discard=unmap,file.driver=file,file.discard=unmap,file.cache.no-flush=on,file.filename=/state/web-0/overlay.qcow2
-device virtio-blk-pci,drive=disk0
-fw_cfg name=opt/castra/hostname,string=web-0
-snapshot
)");
}

TEST(Arguments, NoPathBecomesAnOption) {
    const std::string nasty = "/a b,readonly=on/x=\"1\"',,file.driver=nbd$(id)\\{dir}";
    const std::string doubled = "/a b,,readonly=on/x=\"1\"',,,,file.driver=nbd$(id)\\{dir}";
    auto request = tiny_tcg();
    request.vm.base_image = nasty + "/base";
    request.vm.base_format = "qcow2";
    request.vm.boot = {nasty + "/kernel", nasty + "/initrd", "quiet"};
    request.paths = {nasty, nasty, nasty + "/overlay", nasty + "/keys"};
    const auto made = plan(request);
    EXPECT_TRUE(value_of(made.argv, "-blockdev").ends_with(",file.filename=" + doubled + "/overlay"));
    EXPECT_EQ(value_of(made.argv, "-fw_cfg", 1), "name=opt/castra/authorized_keys,file=" + doubled + "/keys");
    // Whole arguments: QEMU takes them as they are.
    EXPECT_EQ(value_of(made.argv, "-kernel"), nasty + "/kernel");
    EXPECT_EQ(value_of(made.argv, "-initrd"), nasty + "/initrd");
    EXPECT_EQ(made.overlays.at(0).argv, (std::vector<std::string>{"qemu-img", "create", "-q", "-f", "qcow2", "-F",
                                                                  "qcow2", "-b", nasty + "/base", nasty + "/overlay"}));
    EXPECT_EQ(made.sockets.at(1).log, nasty + "/serial.log");
}

TEST(Arguments, NoNameBecomesAnOption) {
    auto request = tiny_tcg();
    request.vm.name = "a,debug-threads=on"; // the kernel refuses such names; this is the second line
    const auto made = plan(request);
    EXPECT_EQ(value_of(made.argv, "-name"), "guest=fleet/a,,debug-threads=on");
    EXPECT_EQ(value_of(made.argv, "-fw_cfg"), "name=opt/castra/hostname,string=a,,debug-threads=on");
}

TEST(Arguments, AppendGetsOnlyWhatItLacks) {
    auto vm = tiny().vm;
    vm.boot.append = "";
    EXPECT_EQ(kernel_command_line(vm), "console=ttyS0 castra.hostname=web-0");
    vm.boot.append = "console=hvc0 castra.hostname=other";
    EXPECT_EQ(kernel_command_line(vm), vm.boot.append);
    vm.boot.append = "noconsole=1";
    EXPECT_EQ(kernel_command_line(vm), "noconsole=1 console=ttyS0 castra.hostname=web-0");
}

TEST(Arguments, MemoryIsExact) {
    auto request = tiny_tcg();
    request.vm.memory_bytes = (128 << 20) + 8192;
    EXPECT_EQ(value_of(plan(request).argv, "-m"), "134225920B");
    EXPECT_EQ(value_of(plan(request).argv, "-accel"), "tcg,thread=multi,tb-size=64");
}

TEST(Arguments, TbSizeAndCpuAreTheUsersToSay) {
    const auto made = plan(tiny_tcg({{"tb_size_mib", 256}, {"cpu", "max,-avx2"}}));
    EXPECT_EQ(value_of(made.argv, "-accel"), "tcg,thread=multi,tb-size=256");
    EXPECT_EQ(value_of(made.argv, "-cpu"), "max,-avx2");
}

TEST(MacAddress, IsTheSameForTheSameUuidOnly) {
    EXPECT_EQ(mac_address(uuid), mac_address(uuid));
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i)
        seen.insert(mac_address(std::string(uuid) + std::to_string(i)));
    EXPECT_EQ(seen.size(), 100U);
    EXPECT_TRUE(seen.begin()->starts_with("52:54:00:"));
}

} // namespace
} // namespace castra::launcher_qemu
