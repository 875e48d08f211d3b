// SPDX-License-Identifier: Apache-2.0
// Preflight: programs, files, images, ports, socket paths.
#include "host/stream.hpp"
#include "operations/image_format.hpp"
#include "operations/preflight.hpp"

namespace castra {
namespace {

constexpr std::size_t socket_name_bytes_max = 24; // as the SDK promises launchers

// In castra's own store, below the digest that it was fetched for.
bool is_fetched(const MachineSpec& spec) {
    const std::filesystem::path image = spec.vm.base_image;
    return spec.base_cached && image.parent_path().filename().string().starts_with("sha256-");
}

void check_files(const PreflightWish& wish, const sdk::Requirements& needs, const MachineSpec& spec,
                 const std::string& vm, Findings& findings) {
    for (const auto& file : needs.files) {
        if (wish.to_fetch.contains(file.path)) continue;
        if (file.path == spec.vm.base_image && is_fetched(spec)) continue; // check_images says it
        std::error_code error;
        if (!std::filesystem::is_regular_file(file.path, error))
            findings.add(vm + file.what + " " + file.path + " does not exist or is no file", file.hint);
    }
}

void check_ports(Host& host, const PreflightWish& wish, const MachineSpec& spec, const std::string& vm,
                 Findings& findings) {
    if (wish.replaced.contains(spec.vm.name)) return;
    for (const auto& forward : spec.vm.port_forwards) {
        if (forward.host == 0) continue;
        const auto lease = host.lease_port(forward.address, forward.host, forward.protocol);
        if (!lease) findings.add(vm + lease.error().text, lease.error().hint);
    }
}

} // namespace

void check_needs(Host& host, const PreflightWish& wish, const Starting& starting, Findings& findings) {
    for (const auto* spec : starting) {
        const auto vm = "VM " + spec->vm.name + ": ";
        const auto needs = spec->launcher->requirements(spec->vm);
        if (!needs) {
            const auto code = needs.error().code;
            findings.add(vm + needs.error().text, needs.error().hint,
                         code == ErrorCode::plugin ? ErrorCode::config_invalid : code);
            continue;
        }
        for (const auto& program : needs->programs)
            if (const auto found = host.find_program(program.name); !found)
                findings.add(found.error().text, program.hint);
        if (spec->wants_ssh_key && !host.find_program("ssh-keygen"))
            findings.add("ssh-keygen is not in PATH", "apt-get install openssh-client");
        check_files(wish, *needs, *spec, vm, findings);
        check_ports(host, wish, *spec, vm, findings);
    }
}

void check_images(const PreflightWish& wish, const Starting& starting, Findings& findings) {
    std::set<std::string> seen;
    for (const auto* spec : starting) {
        const auto& image = spec->vm.base_image;
        if (image.empty() || wish.to_fetch.contains(image) || !seen.insert(image).second) continue;
        std::error_code error;
        if (is_fetched(*spec) &&
            (!std::filesystem::is_regular_file(image, error) || std::filesystem::file_size(image, error) == 0)) {
            findings.add("VM " + spec->vm.name + ": image " + image +
                             " is not what was fetched: it is empty or no file",
                         "castra clean --all --only images removes it; then castra up fetches it anew");
            continue;
        }
        const auto format = format_of_image(image);
        if (format || format.error().code == ErrorCode::not_found)
            continue; // that it is missing is said by check_needs
        findings.add("VM " + spec->vm.name + ": " + format.error().text, format.error().hint);
    }
}

void check_socket_paths(const PreflightWish& wish, const Starting& starting, Findings& findings) {
    if (starting.empty()) return;
    const auto longest =
        wish.layout.vm_runtime_dir(starting.front()->vm.name).string().size() + 1 + socket_name_bytes_max;
    if (longest <= socket_path_bytes_max) return;
    findings.add("sockets in " + wish.layout.runtime_dir().string() + " would have paths of " +
                     std::to_string(longest) + " bytes, and a unix socket has at most " +
                     std::to_string(socket_path_bytes_max),
                 "set CASTRA_HOME or XDG_RUNTIME_DIR to a shorter path");
}

} // namespace castra
