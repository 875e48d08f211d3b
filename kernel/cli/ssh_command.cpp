// SPDX-License-Identifier: Apache-2.0
// castra ssh and castra ssh-config: the OpenSSH client, with the VM's own key and known_hosts.
#include "cli/app.hpp"
#include "cli/everyday_commands.hpp"
#include "cli/grammar.hpp"
#include "cli/live_status.hpp"
#include "host/become.hpp"
#include "operations/exit_code.hpp"
#include "operations/guest_ssh.hpp"

namespace castra {
namespace {

Task<int> ssh(App& app, const CommandLine& line) {
    const auto status = co_await live_status(app, line);
    if (!status) co_return complain(status.error());
    const auto guest = guest_ssh(*status, line.request.vms.front());
    if (!guest) co_return complain(guest.error());
    const auto command = tail_of(line.request.argv);
    co_return complain(become(ssh_argv(*guest, false, command.empty() ? "" : remote_command(command))));
}

nlohmann::ordered_json to_json(const GuestSsh& guest) {
    return {{"vm", guest.vm},
            {"user", guest.user},
            {"address", guest.address},
            {"port", guest.port},
            {"identity", guest.identity},
            {"known_hosts", guest.known_hosts},
            {"argv", ssh_argv(guest, true, "")}};
}

Task<int> ssh_config_of(App& app, const CommandLine& line) {
    const auto status = co_await live_status(app, line);
    if (!status) co_return complain(status.error());
    auto guests = all_guest_ssh(*status);
    if (!line.request.vms.empty()) {
        guests.clear();
        for (const auto& vm : line.request.vms) {
            const auto guest = guest_ssh(*status, vm);
            if (!guest) co_return complain(guest.error());
            guests.push_back(*guest);
        }
    }
    if (line.json) {
        nlohmann::ordered_json answer{{"project", status->project}, {"vms", nlohmann::ordered_json::array()}};
        for (const auto& guest : guests)
            answer["vms"].push_back(to_json(guest));
        print(answer.dump(2) + "\n");
        co_return exit_code::succeeded;
    }
    std::string blocks;
    for (const auto& guest : guests) {
        const auto block = ssh_config(guest);
        if (!block) co_return complain(block.error());
        blocks += *block;
    }
    print(blocks);
    if (guests.empty()) co_return complain({ErrorCode::launch, "no VM is up that has a way in by SSH", "castra up"});
    co_return exit_code::succeeded;
}

} // namespace

void add_ssh(Grammar& grammar) {
    auto ssh = grammar.add("ssh", "Log in to a VM, or run one command in it, with its terminal and exit code",
                           [](App& app, const CommandLine& line) { return castra::ssh(app, line); });
    grammar.add_file(ssh);
    ssh.option("vm", grammar.line().request.vms, "The VM").required().expected_once().type_name("VM");
    ssh.footer(
        "\nIt becomes ssh: the exit code is the command's, or 255 when SSH itself failed. One word behind -- is a\n"
        "line for the guest's shell; several are a program and its arguments, exactly as they are.\n"
        "The host key is checked against a known_hosts of the VM's own; ~/.ssh has no part in it.\n"
        "Examples:\n"
        "  castra ssh web-0\n"
        "  castra ssh web-0 -- uname -a\n"
        "  castra ssh web-0 -- 'ps | grep nginx'");
    auto config = grammar.add("ssh-config", "Print ssh_config(5) of the VMs that are up, for ssh, scp, rsync, Ansible",
                              [](App& app, const CommandLine& line) { return ssh_config_of(app, line); });
    grammar.add_file(config);
    grammar.add_json(config);
    config.option("vms", grammar.line().request.vms, "VMs; default: all that are up").type_name("VM");
    config.footer("\nExamples:\n"
                  "  castra ssh-config > ssh_config && ssh -F ssh_config web-0\n"
                  "  castra ssh-config web-0 --json");
}

} // namespace castra
