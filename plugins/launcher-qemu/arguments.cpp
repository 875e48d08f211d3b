// SPDX-License-Identifier: Apache-2.0
#include "launcher-qemu/arguments.hpp"

#include <sstream>

namespace castra::launcher_qemu {
namespace {

constexpr std::int64_t mib = 1 << 20;
constexpr std::int64_t small_memory_bytes_max = 128 * mib;
constexpr std::int64_t small_tb_size_mib = 32; // spares a small guest some 10 to 25 MiB of the host at little cost
constexpr std::int64_t tb_size_mib = 64;

using Arguments = std::vector<std::string>;

void add(Arguments& to, std::initializer_list<std::string> more) {
    to.insert(to.end(), more);
}

// virtio-net on a PCI bus is virtio-net-pci, on microvm's virtio-mmio virtio-net-device.
std::string virtio(const Options& options, const std::string& kind) {
    return "virtio-" + kind + (options.machine == MachineType::microvm ? "-device" : "-pci");
}

std::string memory_argument(std::int64_t bytes) {
    return bytes % mib == 0 ? std::to_string(bytes / mib) + "M" : std::to_string(bytes) + "B";
}

std::string accelerator_argument(const sdk::VmSpec& vm, const Options& options, const Acceleration& acceleration) {
    if (acceleration.accelerator != "tcg") return acceleration.accelerator;
    auto size = options.tb_size_mib;
    if (size == 0) size = vm.memory_bytes <= small_memory_bytes_max ? small_tb_size_mib : tb_size_mib;
    return "tcg,thread=multi,tb-size=" + std::to_string(size);
}

// The sockets listen before QEMU runs and are inherited: no races, and a client may connect before the spawn.
void add_sockets(Arguments& argv) {
    add(argv, {"-chardev", "socket,id=qmp,fd={fd:qmp},server=on,wait=off"});
    add(argv, {"-mon", "chardev=qmp,mode=control"});
    add(argv, {"-chardev", "socket,id=serial0,fd={fd:serial},server=on,wait=off"});
    add(argv, {"-serial", "chardev:serial0"});
}

// The guest's own channel to castra's broker: whoever speaks on it is this VM.
void add_agent(Arguments& argv, const sdk::VmPaths& paths, const Options& options) {
    if (!paths.broker_file.empty())
        add(argv, {"-fw_cfg", "name=opt/castra/broker,file=" + double_commas(paths.broker_file)});
    if (paths.agent_socket.empty()) return;
    add(argv, {"-chardev", "socket,id=agent,fd={fd:agent},server=on,wait=off"});
    add(argv, {"-device", virtio(options, "serial") + ",id=agent-bus"});
    add(argv, {"-device", "virtserialport,bus=agent-bus.0,chardev=agent,name=org.castra.agent.0"});
}

void add_network(Arguments& argv, const sdk::VmSpec& vm, const Options& options) {
    if (!options.network) return;
    std::string netdev = "user,id=net0";
    for (const auto& forward : vm.port_forwards)
        netdev += ",hostfwd=" + forward.protocol + ":" + forward.address + ":" + std::to_string(forward.host) +
                  "-:" + std::to_string(forward.guest);
    add(argv, {"-netdev", netdev});
    auto device = virtio(options, "net") + ",netdev=net0,mac=" + mac_address(vm.uuid);
    if (options.machine != MachineType::microvm) device += ",romfile="; // network boot costs time and is not wanted
    add(argv, {"-device", device});
}

// cache.no-flush: an overlay is thrown away when its VM is, so it need not survive a crash of the host.
void add_disk(Arguments& argv, const sdk::VmSpec& vm, const sdk::VmPaths& paths, const Options& options) {
    if (vm.base_image.empty()) return;
    add(argv, {"-blockdev", "driver=qcow2,node-name=disk0,cache.no-flush=on,discard=unmap,file.driver=file,"
                            "file.discard=unmap,file.cache.no-flush=on,file.filename=" +
                                double_commas(paths.overlay)});
    add(argv, {"-device", virtio(options, "blk") + ",drive=disk0"});
}

void add_boot(Arguments& argv, const sdk::VmSpec& vm) {
    if (vm.boot.kernel.empty()) return;
    add(argv, {"-kernel", vm.boot.kernel});
    if (!vm.boot.initrd.empty()) add(argv, {"-initrd", vm.boot.initrd});
    add(argv, {"-append", kernel_command_line(vm)});
}

} // namespace

std::string machine_argument(const Options& options) {
    auto text = text_of(options.machine);
    if (options.machine == MachineType::microvm) text += options.acpi ? ",acpi=on" : ",acpi=off";
    return text;
}

std::vector<std::string> make_arguments(const sdk::VmSpec& vm, const sdk::VmPaths& paths, const Options& options,
                                        const Acceleration& acceleration) {
    Arguments argv{options.qemu_binary, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"};
    add(argv, {"-name", "guest=" + double_commas(vm.project + "/" + vm.name)});
    add(argv, {"-uuid", vm.uuid});
    add(argv, {"-machine", machine_argument(options)});
    add(argv, {"-accel", accelerator_argument(vm, options, acceleration)});
    add(argv, {"-cpu", acceleration.cpu});
    add(argv, {"-smp", "cpus=" + std::to_string(vm.cpus)});
    add(argv, {"-m", memory_argument(vm.memory_bytes)});
    if (options.sandbox)
        add(argv, {"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"});
    add_sockets(argv);
    add(argv, {"-device", virtio(options, "rng")});
    add_network(argv, vm, options);
    add_disk(argv, vm, paths, options);
    add(argv, {"-fw_cfg", "name=opt/castra/hostname,string=" + double_commas(vm.name)});
    if (!paths.authorized_keys.empty())
        add(argv, {"-fw_cfg", "name=opt/castra/authorized_keys,file=" + double_commas(paths.authorized_keys)});
    add_agent(argv, paths, options);
    add_boot(argv, vm);
    argv.insert(argv.end(), options.extra_args.begin(), options.extra_args.end());
    return argv;
}

std::string kernel_command_line(const sdk::VmSpec& vm) {
    bool has_console = false;
    bool has_hostname = false;
    std::istringstream words(vm.boot.append);
    for (std::string word; words >> word;) {
        has_console = has_console || word.starts_with("console=");
        has_hostname = has_hostname || word.starts_with("castra.hostname=");
    }
    auto line = vm.boot.append;
    const auto append = [&line](const std::string& word) { line += (line.empty() ? "" : " ") + word; };
    if (!has_console) append("console=ttyS0");
    if (!has_hostname) append("castra.hostname=" + vm.name);
    return line;
}

std::string mac_address(const std::string& uuid) {
    std::uint32_t hash = 2166136261U; // FNV-1a
    for (const char letter : uuid)
        hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619U;
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text = "52:54:00";
    for (const unsigned shift : {16U, 8U, 0U}) {
        text += ':';
        text += digits[(hash >> (shift + 4U)) & 15U];
        text += digits[(hash >> shift) & 15U];
    }
    return text;
}

std::string double_commas(const std::string& text) {
    std::string out;
    for (const char letter : text)
        out += letter == ',' ? ",," : std::string(1, letter);
    return out;
}

} // namespace castra::launcher_qemu
