// SPDX-License-Identifier: Apache-2.0
#include "operations/bootstrap_subject.hpp"

#include "operations/plugin_step.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <sys/stat.h>

namespace castra {
namespace {

constexpr std::array<const char*, 5> default_steps{"wait-handshake", "connect", "transfer", "apply", "verify"};
constexpr std::uint16_t ssh_port = 22;

std::vector<BootstrapStepConfig> steps_of(const BootstrapConfig& config) {
    if (!config.steps.empty()) return config.steps;
    std::vector<BootstrapStepConfig> steps;
    for (const auto* name : default_steps)
        steps.emplace_back().name = name;
    return steps;
}

// What a file is told from another by, without reading gigabytes.
std::string mark_of(const std::string& path) {
    struct stat info {};
    if (path.empty() || ::stat(path.c_str(), &info) != 0) return path;
    return path + " " + std::to_string(info.st_size) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
           std::to_string(info.st_mtim.tv_nsec);
}

std::optional<sdk::SshTarget> ssh_target(const Project& project, const VmConfig& vm, const BootstrapTarget& target) {
    const auto& wanted = vm.bootstrap.ssh;
    sdk::SshTarget ssh;
    const auto& forwards = target.spec.port_forwards;
    const auto forward =
        std::ranges::find_if(forwards, [](const auto& one) { return one.guest == ssh_port && one.protocol == "tcp"; });
    if (forward != forwards.end()) {
        ssh.host = forward->address == "0.0.0.0" ? "127.0.0.1" : forward->address;
        ssh.port = forward->host;
    } else if (wanted.host.empty() && wanted.port == 0) {
        return std::nullopt;
    }
    ssh.user = wanted.user.empty() ? "root" : wanted.user;
    if (!wanted.host.empty()) ssh.host = wanted.host;
    if (ssh.host.empty()) ssh.host = "127.0.0.1";
    if (wanted.port != 0) ssh.port = wanted.port;
    if (!wanted.identity.empty())
        ssh.identity = wanted.identity;
    else if (!target.ssh_key.empty())
        ssh.identity = target.ssh_key;
    ssh.options = wanted.options;
    ssh.known_hosts = (project.layout.vm_dir(vm.name) / "ssh" / "known_hosts").string();
    return ssh;
}

} // namespace

BootstrapTarget target_of(const VmRecord& record) {
    BootstrapTarget target;
    target.incarnation = record.incarnation;
    target.uuid = record.uuid;
    target.ssh_key = record.ssh_key;
    try {
        target.spec = record.spec.get<sdk::VmSpec>();
    } catch (const std::exception&) { // a damaged record has no forward: the plan says that the VM cannot be reached
    }
    return target;
}

Result<std::vector<StepSpec>> make_steps(Host& host, PluginSet& plugins, const BootstrapConfig& config) {
    std::vector<StepSpec> steps;
    for (const auto& wanted : steps_of(config)) {
        auto made = plugins.step(wanted.plugin.empty() ? "step-" + wanted.name : wanted.plugin, wanted.config);
        if (!made) return Failure(made.error().within("bootstrap step " + wanted.name));
        steps.push_back(
            {wanted.name, wanted.timeout.value_or(config.step_timeout), make_plugin_step(host, std::move(*made))});
    }
    return steps;
}

std::string base_hash_of(const sdk::VmSpec& spec) {
    return hash_of({mark_of(spec.base_image), mark_of(spec.boot.kernel), mark_of(spec.boot.initrd), spec.boot.append});
}

BootstrapSubject subject_of(const Project& project, const VmConfig& vm, const BootstrapTarget& target) {
    BootstrapSubject subject{{}, target.incarnation, base_hash_of(target.spec), vm.bootstrap, {}, Artifact(), {}};
    subject.vm.name = vm.name;
    subject.vm.project = project.config.name;
    subject.vm.uuid = target.uuid;
    subject.vm.state_dir = project.layout.vm_dir(vm.name);
    subject.vm.runtime_dir = project.layout.vm_runtime_dir(vm.name);
    subject.vm.ssh = ssh_target(project, vm, target);
    return subject;
}

std::vector<Error> bootstrap_findings(Host& host, const Project& project, PluginSet& plugins,
                                      const std::vector<std::string>& names) {
    std::vector<Error> findings;
    std::set<std::string> said; // the same finding for twenty VMs is one
    auto find = [&](Error error) {
        if (said.insert(error.text).second) findings.push_back(std::move(error));
    };
    for (const auto& vm : project.config.vms) {
        const auto& wanted = vm.bootstrap;
        if (!names.empty() && std::ranges::find(names, vm.name) == names.end()) continue;
        if (wanted.mode == "skip" || !has_bootstrap(wanted)) continue;
        std::error_code error;
        if (!wanted.script.empty() && !std::filesystem::is_regular_file(wanted.script, error))
            find({ErrorCode::preflight,
                  "VM " + vm.group + ": bootstrap script " + wanted.script + " does not exist or is no file",
                  "correct script in [vms.bootstrap]"});
        if (!wanted.payload.empty() && !std::filesystem::exists(wanted.payload, error))
            find({ErrorCode::preflight, "VM " + vm.group + ": bootstrap payload " + wanted.payload + " does not exist",
                  "correct payload in [vms.bootstrap]"});
        const auto steps = steps_of(wanted);
        const bool connects = std::ranges::any_of(steps, [](const auto& step) {
            return (step.plugin.empty() ? "step-" + step.name : step.plugin) == "step-connect";
        });
        const bool is_forwarded = std::ranges::any_of(
            vm.port_forwards, [](const auto& one) { return one.guest == ssh_port && one.protocol == "tcp"; });
        if (connects && !is_forwarded && wanted.ssh.host.empty() && wanted.ssh.port == 0)
            find({ErrorCode::preflight, "VM " + vm.group + " is to be bootstrapped and cannot be reached by SSH",
                  "add [[vms.port_forwards]] with guest = 22, or set bootstrap mode = \"skip\""});
        if (connects && !host.find_program("ssh"))
            find({ErrorCode::preflight, "ssh is not in PATH", "apt-get install openssh-client"});
        for (const auto& step : steps) {
            const auto name = step.plugin.empty() ? "step-" + step.name : step.plugin;
            if (!said.insert(name + " " + step.config.dump()).second) continue;
            if (const auto made = plugins.step(name, step.config); !made)
                find(made.error().within("VM " + vm.group + ": bootstrap step " + step.name));
        }
    }
    return findings;
}

} // namespace castra
