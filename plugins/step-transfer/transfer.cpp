// SPDX-License-Identifier: Apache-2.0
// The step transfer: script and payload to remote_dir, as one tar stream over the connection that connect opened.
// Unpacked beside what is there and then put in its place, so that a transfer that breaks off leaves the old payload.
#include "ssh/quoting.hpp"
#include "ssh/session.hpp"

#include <castra/sdk/plugin.hpp>

#include <algorithm>
#include <filesystem>

namespace castra::step_transfer {
namespace {

constexpr std::size_t complaint_bytes_max = 4096;

// Links are sent as links and never followed. In the archive the script is "script", what is in the payload lies below
// "payload/"; both expressions are ours, no name has a part in them.
std::vector<std::string> packer(const sdk::Json& inputs) {
    std::vector<std::string> argv{"tar",
                                  "--create",
                                  "--file=-",
                                  "--format=gnu",
                                  "--owner=0",
                                  "--group=0",
                                  "--numeric-owner",
                                  "--transform=s,^\\([^.].*\\|\\.[^/].*\\)$,script,rSH",
                                  "--transform=s,^\\.\\(/.*\\)\\?$,payload\\1,rSH"};
    if (inputs.contains("payload")) {
        const std::filesystem::path payload(inputs.at("payload").get<std::string>());
        const bool is_folder = std::filesystem::is_directory(payload);
        argv.push_back("--directory=" + (is_folder ? payload : payload.parent_path()).string());
        argv.push_back(is_folder ? "." : "./" + payload.filename().string());
    }
    if (inputs.contains("script")) {
        argv.emplace_back("--directory=/");
        argv.push_back("--no-recursion");
        argv.push_back("--add-file=" + inputs.at("script").get<std::string>().substr(1));
    }
    return argv;
}

std::string unpacker(const sdk::Json& inputs) {
    return "set -eu\n"
           "umask 022\n"
           "d=" +
           ssh::shell_word(inputs.at("remote_dir").get<std::string>()) +
           "\n"
           "if [ -h \"$d\" ]; then echo 'castra: remote_dir is a symbolic link' >&2; exit 70; fi\n"
           "[ -d \"$d\" ] || mkdir -p -- \"$d\"\n"
           "cd -- \"$d\"\n"
           "if [ -d .castra ]; then rm -rf .castra/incoming .castra/transfer .castra/stamp\n"
           "else mkdir -m 700 .castra; fi\n"
           "mkdir .castra/incoming\n"
           "trap 'rm -rf .castra/incoming' EXIT\n"
           "tar -x -p -f - -C .castra/incoming\n"
           "if [ -d .castra/incoming/payload ]; then\n"
           "if [ -e payload ] || [ -h payload ]; then rm -rf payload; fi\n"
           "mv .castra/incoming/payload payload; fi\n"
           "if [ -f .castra/incoming/script ]; then\n"
           "[ -x .castra/incoming/script ] || chmod 700 .castra/incoming/script\n"
           "mv -f .castra/incoming/script .castra/script; fi\n"
           "trap - EXIT\n" // what is left of it is empty, and goes with the next transfer
           "printf '%s\\n' " +
           ssh::shell_word(inputs.at("content_hash").get<std::string>()) +
           " >.castra/transfer\n"
           "echo castra-transferred\n";
}

class Transfer : public sdk::BootstrapStep {
public:
    explicit Transfer(const sdk::Json& config)
        : progress_bytes_(config.value("progress_bytes", std::int64_t{8 << 20})) {}

    sdk::StepPlan plan(const sdk::StepPlanRequest& request, const sdk::Call&) override {
        sdk::StepPlan plan;
        const auto& inputs = request.inputs;
        if (is_empty(inputs)) {
            plan.action = sdk::StepAction::would_skip;
            plan.reason = "neither script nor payload";
            return plan;
        }
        plan.hash = inputs.value("content_hash", "") + " " + inputs.value("remote_dir", "");
        plan.reason = "script and payload go to " + inputs.value("remote_dir", "");
        return plan;
    }

    sdk::StepOutcome apply(const sdk::StepRequest& request, const sdk::Call& call) override {
        const auto& inputs = request.inputs;
        if (is_empty(inputs)) return {sdk::StepStatus::skipped, "neither script nor payload"};
        const ssh::Session session(request.vm);
        ssh::Child tar(packer(inputs));
        ssh::Child guest(session.command(ssh::shell_command(unpacker(inputs))));
        std::string output;
        std::string complaint;
        std::string tar_said;
        std::int64_t sent = 0;
        std::int64_t told = 0;
        ssh::Conversation talk;
        talk.source = &tar;
        talk.on_output = [&](std::string_view piece) {
            if (output.size() < complaint_bytes_max) output.append(piece);
        };
        talk.on_error = [&](std::string_view piece) {
            if (complaint.size() < complaint_bytes_max) complaint.append(piece);
        };
        talk.on_source_error = [&](std::string_view piece) {
            if (tar_said.size() < complaint_bytes_max) tar_said.append(piece);
        };
        talk.on_sent = [&](std::int64_t so_far) {
            sent = so_far;
            if (sent - told < progress_bytes_) return;
            told = sent;
            tell(request, sent);
        };
        const auto ending = ssh::converse(guest, talk, call);
        const auto packed = tar.wait(sdk::Call::Clock::now() + std::chrono::seconds(1));
        if (auto early = ssh::ended_early(ending, "the transfer", complaint)) return *early;
        // When the guest gives up, tar cannot write any more: that is not its own failure.
        if (packed && packed->exit_code > 0 && !tar_said.empty() && tar_said.find("Cannot write") == tar_said.npos)
            return ssh::failed(
                {"transfer", "script and payload could not be packed", tar_said, "", "may you read all of it?"});
        if (ending.exit_code != 0 || output.find("castra-transferred") == output.npos)
            return ssh::failed(ssh::cause_of(session, complaint,
                                             {"transfer",
                                              "the guest could not unpack what was sent (exit code " +
                                                  std::to_string(ending.exit_code) + ")",
                                              "", "",
                                              "has the guest tar, and may " + session.target().user + " write to " +
                                                  inputs.value("remote_dir", "") + "?"})
                                   .text);
        sdk::StepOutcome outcome;
        outcome.detail = std::to_string(sent) + " bytes to " + inputs.value("remote_dir", "");
        outcome.outputs = {{"transfer", inputs.value("content_hash", "")}};
        return outcome;
    }

    // Without a round trip: connect has asked.
    sdk::StepOutcome verify(const sdk::StepRequest& request, const sdk::Call&) override {
        const auto& inputs = request.inputs;
        if (is_empty(inputs)) return {sdk::StepStatus::skipped, std::nullopt};
        if (inputs.value("guest", sdk::Json::object()).value("transfer", "") == inputs.value("content_hash", ""))
            return {sdk::StepStatus::success, std::nullopt};
        return {sdk::StepStatus::failed, "the guest does not have what was sent"};
    }

private:
    static bool is_empty(const sdk::Json& inputs) { return !inputs.contains("script") && !inputs.contains("payload"); }

    // The archive is a little longer than what is in it.
    static void tell(const sdk::StepRequest& request, std::int64_t sent) {
        sdk::Emission event;
        event.type = "message";
        event.severity = "progress";
        event.vm = request.vm.name;
        event.span = "transfer:" + request.vm.name;
        const auto total = request.inputs.value("payload_bytes", std::int64_t{0});
        event.progress = sdk::Json{{"current", total > 0 ? std::min(sent, total) : sent}, {"unit", "bytes"}};
        if (total > 0) (*event.progress)["total"] = total;
        event.message = request.vm.name + ": " + std::to_string(sent / 1024 / 1024) + " MiB sent";
        try {
            sdk::host().emit(event);
        } catch (const sdk::Refusal&) { // nobody listens: the transfer goes on
        }
    }

    std::int64_t progress_bytes_;
};

} // namespace
} // namespace castra::step_transfer

CASTRA_PLUGIN(castra::step_transfer::Transfer);
