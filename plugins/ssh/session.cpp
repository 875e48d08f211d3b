// SPDX-License-Identifier: Apache-2.0
#include "ssh/session.hpp"

#include "ssh/quoting.hpp"

#include <filesystem>
#include <random>

namespace castra::ssh {
namespace {

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != text.npos;
}

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    return text;
}

// ssh -S expands % as its options do, but takes the rest as it stands.
std::string doubled(const std::string& path) {
    std::string out;
    for (const char c : path)
        out += c == '%' ? std::string("%%") : std::string(1, c);
    return out;
}

} // namespace

Session::Session(const sdk::StepVm& vm) : control_path_(vm.runtime_dir + "/ssh") {
    if (!vm.ssh)
        throw sdk::Refusal({.code = "no_ssh",
                            .title = "VM " + vm.name + " cannot be reached by SSH",
                            .hint = "add [[vms.port_forwards]] with guest = 22, or [ssh] in bootstrap.toml"});
    target_ = *vm.ssh;
}

std::string Session::place() const {
    return target_.user + "@" + target_.host + ":" + std::to_string(target_.port);
}

bool Session::knows_host_key() const {
    std::error_code error;
    return target_.known_hosts && std::filesystem::file_size(*target_.known_hosts, error) > 0 && !error;
}

// Of two values of an option the first counts: what is castra's to say stands before the user's.
std::vector<std::string> Session::common(const std::string& control_path) const {
    std::vector<std::string> argv{"ssh", "-F", "none", "-T", "-S", doubled(control_path)};
    auto option = [&argv](const std::string& text) {
        argv.emplace_back("-o");
        argv.push_back(text);
    };
    option("BatchMode=yes");
    option("LogLevel=ERROR");
    option("GlobalKnownHostsFile=/dev/null");
    option("UserKnownHostsFile=" + (target_.known_hosts ? option_path(*target_.known_hosts) : "/dev/null"));
    option(knows_host_key() ? "StrictHostKeyChecking=yes" : "StrictHostKeyChecking=accept-new");
    option("HashKnownHosts=no");
    option("UpdateHostKeys=no");
    option("PreferredAuthentications=publickey");
    option("ClearAllForwardings=yes");
    option("ServerAliveInterval=5");
    option("ServerAliveCountMax=6");
    if (target_.identity) {
        option("IdentityFile=" + option_path(*target_.identity));
        option("IdentitiesOnly=yes");
    }
    for (const auto& text : target_.options)
        option(text);
    argv.insert(argv.end(), {"-p", std::to_string(target_.port), "-l", target_.user});
    return argv;
}

// ssh appends 17 characters while it makes the socket, and runtime_dir leaves room for 24.
std::string Session::own_control_path() const {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::random_device random;
    std::string name = "/s";
    for (int i = 0; i < 5; ++i)
        name += letters[random() % letters.size()];
    return control_path_.substr(0, control_path_.rfind('/')) + name;
}

std::vector<std::string> Session::master(const std::string& command, std::chrono::seconds connect_wait,
                                         const std::string& control_path) const {
    auto argv = common(control_path);
    argv.insert(argv.end(), {"-o", "ControlMaster=yes", "-o", "ConnectTimeout=" + std::to_string(connect_wait.count()),
                             "--", target_.host, command});
    return argv;
}

std::vector<std::string> Session::command(const std::string& command) const {
    auto argv = common(control_path_);
    // Were the connection gone, ssh would open another: a step fails then instead.
    argv.insert(argv.end(), {"-o", "ControlMaster=no", "-o", "ProxyCommand=false", "--", target_.host, command});
    return argv;
}

Cause cause_of(const Session& session, const std::string& complaint, sdk::RefusalText otherwise) {
    const auto said = trimmed(complaint);
    if (has(said, "REMOTE HOST IDENTIFICATION HAS CHANGED") || has(said, "Host key verification failed"))
        return {{"host_key", session.place() + " shows another host key than this VM's", said, "",
                 "is another program on that port? If the guest was made anew by hand, remove " +
                     session.target().known_hosts.value_or("its known_hosts")},
                false};
    if (has(said, "Permission denied (") || has(said, "Too many authentication failures"))
        return {
            {"auth", session.place() + " does not accept the key", said, "",
             "the guest must take its authorized key from castra (fw_cfg opt/castra/authorized_keys), or name another "
             "user or identity in [ssh] of bootstrap.toml"},
            false};
    if (has(said, "No space left on device") || has(said, "Disk quota exceeded") || has(said, "ENOSPC"))
        return {{"no_space", "the guest's disk is full", said, "",
                 "make room in the guest, or give remote_dir a larger disk"},
                false};
    for (const auto* passing :
         {"Connection refused", "Connection reset", "Connection closed", "timed out", "Connection timed out",
          "kex_exchange_identification", "No route to host", "Broken pipe", "Network is unreachable"})
        if (has(said, passing))
            return {{"unreachable", session.place() + " cannot be reached by SSH", said, "",
                     "does an SSH server run in the guest? castra ssh and the guest's serial log tell more"},
                    true};
    if (otherwise.detail.empty()) otherwise.detail = said;
    return {std::move(otherwise), false};
}

sdk::StepOutcome failed(sdk::RefusalText text) {
    sdk::StepOutcome outcome;
    outcome.status = sdk::StepStatus::failed;
    outcome.error = std::move(text);
    return outcome;
}

std::optional<sdk::StepOutcome> ended_early(const Ending& ending, const std::string& doing, const std::string& tail) {
    if (ending.why == Ending::Why::cancelled)
        return failed({"cancelled", doing + " was cancelled; what it ran in the guest was ended", tail, "", ""});
    if (ending.why == Ending::Why::timed_out)
        return failed({"timeout", doing + " did not end within its deadline; what it ran in the guest was ended",
                       tail.empty() ? "" : "last output:\n" + tail, "",
                       "find out what it waits for, or raise step_timeout_secs in [vms.bootstrap]; then castra "
                       "bootstrap goes on here, and castra logs VM --log bootstrap has its output"});
    return std::nullopt;
}

} // namespace castra::ssh
