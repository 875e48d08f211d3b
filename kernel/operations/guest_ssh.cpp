// SPDX-License-Identifier: Apache-2.0
#include "operations/guest_ssh.hpp"

#include "config/names.hpp"
#include "host/files.hpp"

#include <algorithm>

namespace castra {
namespace {

// 0.0.0.0 is where it listens, not where one goes.
std::string destination_address(const GuestSsh& guest) {
    return guest.address == "0.0.0.0" ? "127.0.0.1" : guest.address;
}

// ssh expands % in these options and splits them at spaces.
std::string option_path(std::string_view path) {
    std::string out = "\"";
    for (const char c : path) {
        if (c == '%') out += '%';
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

std::vector<std::string> settings_of(const GuestSsh& guest) {
    return {"IdentityFile=" + option_path(guest.identity),
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "PreferredAuthentications=publickey",
            "UserKnownHostsFile=" + option_path(guest.known_hosts),
            "GlobalKnownHostsFile=/dev/null",
            std::string("StrictHostKeyChecking=") +
                (files::allocated_bytes(guest.known_hosts) > 0 ? "yes" : "accept-new"),
            "HashKnownHosts=no",
            "UpdateHostKeys=no",
            "ConnectTimeout=30",
            "ServerAliveInterval=15",
            "LogLevel=ERROR"};
}

} // namespace

Result<GuestSsh> guest_ssh(const ProjectStatus& status, const std::string& vm) {
    const auto found = std::ranges::find(status.vms, vm, &VmStatus::name);
    if (found == status.vms.end()) {
        std::vector<std::string> names;
        for (const auto& one : status.vms)
            names.push_back(one.name);
        const auto near = did_you_mean(vm, names);
        return fail(ErrorCode::usage, "there is no VM \"" + vm + "\"",
                    near ? "did you mean \"" + *near + "\"?" : "castra status lists them");
    }
    if (found->pid == 0) return fail(ErrorCode::launch, vm + " is not up: it is " + found->state, "castra up " + vm);
    if (!found->ssh)
        return fail(ErrorCode::launch, vm + " has no way in by SSH",
                    found->launcher == "launcher-qemu"
                        ? "write [[vms.port_forwards]] with guest = 22 and run castra up --replace"
                        : "its launcher, " + found->launcher + ", makes no machine that one could log in to");
    return *found->ssh;
}

std::vector<GuestSsh> all_guest_ssh(const ProjectStatus& status) {
    std::vector<GuestSsh> out;
    for (const auto& vm : status.vms)
        if (vm.pid > 0 && vm.ssh) out.push_back(*vm.ssh);
    return out;
}

std::vector<std::string> ssh_options(const GuestSsh& guest, bool batch) {
    std::vector<std::string> out{"-F", "none"};
    auto settings = settings_of(guest);
    settings.emplace_back(batch ? "BatchMode=yes" : "BatchMode=no");
    for (auto& setting : settings) {
        out.emplace_back("-o");
        out.push_back(std::move(setting));
    }
    return out;
}

std::vector<std::string> ssh_argv(const GuestSsh& guest, bool batch, const std::string& command) {
    std::vector<std::string> out{"ssh"};
    const auto options = ssh_options(guest, batch);
    out.insert(out.end(), options.begin(), options.end());
    out.insert(out.end(), {"-p", std::to_string(guest.port), "-l", guest.user, "--", destination_address(guest)});
    if (!command.empty()) out.push_back(command);
    return out;
}

Result<std::string> ssh_config(const GuestSsh& guest) {
    if ((guest.identity + guest.known_hosts).find('\n') != std::string::npos) // nothing escapes one
        return fail(ErrorCode::launch,
                    "the keys of " + guest.vm + " are in a directory with a line feed in its name, and ssh_config(5) " +
                        "has no word for that",
                    "use castra ssh and castra cp, or another [project] state_dir or CASTRA_HOME");
    std::string out = "Host " + guest.vm + "\n  HostName " + destination_address(guest) + "\n  Port " +
                      std::to_string(guest.port) + "\n  User " + guest.user + "\n";
    for (const auto& setting : settings_of(guest)) {
        const auto equals = setting.find('=');
        out += "  " + setting.substr(0, equals) + " " + setting.substr(equals + 1) + "\n";
    }
    return out;
}

std::string shell_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string remote_command(const std::vector<std::string>& words) {
    if (words.size() == 1) return words.front();
    std::string out;
    for (const auto& word : words)
        out += (out.empty() ? "" : " ") + shell_quoted(word);
    return out;
}

} // namespace castra
