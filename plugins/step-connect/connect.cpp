// SPDX-License-Identifier: Apache-2.0
// The step connect: the SSH connection of this bootstrap, and what the guest remembers of earlier ones. The connection
// lives as long as this object: its far end reads our stdin, and goes when that ends, also by kill -9.
#include "ssh/quoting.hpp"
#include "ssh/session.hpp"

#include <castra/sdk/plugin.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace castra::step_connect {
namespace {

using ssh::Session;

constexpr std::size_t answer_bytes_max = 64 * 1024;

// What the guest tells before it waits: lines "castra-fact NAME VALUE", then "castra-ready".
std::string hello(const std::string& remote_dir) {
    const auto dir = ssh::shell_word(remote_dir + "/.castra");
    return "for fact in transfer stamp; do\n"
           "if [ -r " +
           dir + "/\"$fact\" ] && read -r value <" + dir +
           "/\"$fact\"; then "
           "printf 'castra-fact %s %s\\n' \"$fact\" \"$value\"; fi\n"
           "done\n"
           "printf 'castra-ready\\n'\n"
           "exec cat >/dev/null\n";
}

struct Answer {
    std::string text, complaint;
    bool is_ready() const { return text.find("castra-ready\n") != text.npos; }
    sdk::Json facts() const {
        auto facts = sdk::Json::object();
        constexpr std::string_view mark = "castra-fact ";
        for (std::size_t at = 0; (at = text.find(mark, at)) != text.npos;) {
            at += mark.size();
            const auto end = std::min(text.find('\n', at), text.size());
            const auto space = std::min(text.find(' ', at), end);
            if (space < end) facts[text.substr(at, space - at)] = text.substr(space + 1, end - space - 1);
        }
        return facts;
    }
};

class Connect : public sdk::BootstrapStep {
public:
    explicit Connect(const sdk::Json& config) : retry_wait_(config.value("retry_wait_ms", 250)) {}
    ~Connect() override { hang_up(); }

    sdk::StepPlan plan(const sdk::StepPlanRequest& request, const sdk::Call&) override {
        sdk::StepPlan plan;
        if (!request.vm.ssh) {
            plan.action = sdk::StepAction::error;
            plan.reason = "VM " + request.vm.name + " has no forward to guest port 22, and bootstrap.toml no [ssh]";
            return plan;
        }
        plan.reason = "as " + Session(request.vm).place();
        return plan; // no hash: every bootstrap needs a connection
    }

    sdk::StepOutcome apply(const sdk::StepRequest& request, const sdk::Call& call) override {
        const Session session(request.vm);
        const std::chrono::milliseconds wait(request.inputs.value("connect_timeout_ms", std::int64_t{60'000}));
        const auto until = sdk::Call::Clock::now() + std::min(wait, call.remaining());
        const bool knew_key = session.knows_host_key();
        if (const auto& file = session.target().known_hosts) {
            std::error_code ignored; // ssh says what is wrong
            std::filesystem::create_directories(std::filesystem::path(*file).parent_path(), ignored);
        }
        for (int tries = 1;; ++tries) {
            hang_up();
            Answer answer;
            const auto ending = try_once(session, request, call, until, answer);
            if (ending.why == ssh::Ending::Why::cancelled)
                return ssh::failed({"cancelled", "connecting was cancelled", "", "", ""});
            if (answer.is_ready()) {
                sdk::StepOutcome outcome;
                outcome.detail = session.place() + (tries > 1 ? " after " + std::to_string(tries) + " tries" : "") +
                                 (knew_key ? ", host key known beforehand" : ", host key accepted on first use");
                outcome.outputs = answer.facts();
                return outcome;
            }
            auto cause = ssh::cause_of(session, answer.complaint,
                                       {"connect", session.place() + " cannot be used by SSH", "", "",
                                        "try it by hand: castra status --json tells host, port and key"});
            const bool is_late = sdk::Call::Clock::now() + retry_wait_ >= until;
            if (ending.why == ssh::Ending::Why::timed_out && answer.complaint.empty())
                cause = {{"unreachable", session.place() + " did not answer in time", "", "",
                          "does an SSH server run in the guest? raise connect_timeout_secs if it only boots slowly"},
                         true};
            if (!cause.may_pass || is_late) {
                hang_up();
                cause.text.detail += (cause.text.detail.empty() ? "" : "; ") + std::to_string(tries) +
                                     (tries == 1 ? " try" : " tries") + " in " + std::to_string(wait.count()) +
                                     " ms at most";
                return ssh::failed(std::move(cause.text));
            }
            pollfd cancelled{call.cancel_fd(), POLLIN, 0}; // a server that starts cannot tell us when it has
            ::poll(&cancelled, 1, static_cast<int>(retry_wait_.count()));
        }
    }

private:
    // Leaves the connection open when the answer is ready.
    ssh::Ending try_once(const Session& session, const sdk::StepRequest& request, const sdk::Call& call,
                         sdk::Call::Clock::time_point until, Answer& answer) {
        const auto left = std::chrono::duration_cast<std::chrono::seconds>(until - sdk::Call::Clock::now()).count() + 1;
        const auto dir = request.inputs.at("remote_dir").get<std::string>();
        own_path_ = session.own_control_path();
        master_ = std::make_unique<ssh::Child>(session.master(
            ssh::shell_command(hello(dir)), std::chrono::seconds(std::max<std::int64_t>(1, left)), own_path_));
        ssh::Conversation talk;
        talk.keeps_input_open = true;
        talk.on_output = [&](std::string_view piece) {
            if (answer.text.size() < answer_bytes_max) answer.text.append(piece);
        };
        talk.on_error = [&](std::string_view piece) {
            if (answer.complaint.size() < answer_bytes_max) answer.complaint.append(piece);
        };
        talk.is_enough = [&] { return answer.is_ready(); };
        castra_call limits{sizeof(castra_call), 0, call.id(), 0, call.cancel_fd(), 0};
        limits.deadline_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(until.time_since_epoch()).count();
        const auto ending = ssh::converse(*master_, talk, sdk::Call(&limits));
        if (answer.is_ready()) take_path(session.control_path(), answer);
        return ending;
    }

    // Takes the place of the socket of a connection that was killed and may still be going: what that one removes is
    // its own path.
    void take_path(const std::string& path, Answer& answer) {
        struct stat info {};
        if (::lstat(own_path_.c_str(), &info) == 0 && ::rename(own_path_.c_str(), path.c_str()) == 0) {
            control_path_ = path;
            inode_ = info.st_ino;
            return;
        }
        answer.text.clear(); // not ready
        answer.complaint += "ssh made no control socket at " + own_path_;
    }

    void hang_up() {
        master_.reset();
        if (!own_path_.empty()) ::unlink(own_path_.c_str());
        struct stat info {};
        const bool is_ours =
            !control_path_.empty() && ::lstat(control_path_.c_str(), &info) == 0 && info.st_ino == inode_;
        if (is_ours) ::unlink(control_path_.c_str());
        own_path_.clear();
        control_path_.clear();
    }

    std::chrono::milliseconds retry_wait_;
    std::unique_ptr<ssh::Child> master_;
    std::string own_path_, control_path_; // where it was made, and where the other steps find it
    ino_t inode_ = 0;
};

} // namespace
} // namespace castra::step_connect

CASTRA_PLUGIN(castra::step_connect::Connect);
