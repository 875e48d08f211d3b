// SPDX-License-Identifier: Apache-2.0
#include "ssh/remote_job.hpp"

#include "ssh/quoting.hpp"

#include <charconv>
#include <random>
#include <utility>

namespace castra::ssh {
namespace {

constexpr std::size_t line_bytes_max = 64 * 1024; // longer ones are told in pieces
constexpr std::size_t complaint_bytes_max = 4096;
// A server that waits until nobody holds the session's output any more may never end it: a service that the job left
// behind does.
constexpr std::chrono::milliseconds session_end_wait{500};

std::string nonce() {
    std::random_device random;
    return std::to_string(random()) + std::to_string(random());
}

// Lines of one stream, without the last one: it tells the exit code, and that nothing follows. An empty line before it
// is ours.
class Lines {
public:
    Lines(std::string marker, MaskedLog& log, std::function<void(std::string_view)> tell)
        : marker_(std::move(marker)), log_(log), tell_(std::move(tell)) {}

    void add(std::string_view piece) {
        held_.append(piece);
        std::size_t at = 0;
        for (auto end = held_.find('\n'); end != held_.npos && !exit_code; end = held_.find('\n', at)) {
            take(std::string_view(held_).substr(at, end - at), "\n");
            at = end + 1;
        }
        held_.erase(0, at);
        if (held_.size() <= line_bytes_max) return;
        take(held_, "");
        held_.clear();
    }
    void flush() {
        if (!held_.empty() && !exit_code) take(held_, "");
        if (!exit_code && std::exchange(is_blank_held_, false)) tell("", "\n");
        held_.clear();
    }
    std::optional<int> exit_code;

private:
    void take(std::string_view line, std::string_view end) {
        if (line.starts_with(marker_)) {
            int code = -1;
            const auto digits = line.substr(marker_.size());
            if (std::from_chars(digits.data(), digits.data() + digits.size(), code).ec == std::errc()) exit_code = code;
            return;
        }
        if (std::exchange(is_blank_held_, false)) tell("", "\n");
        if (line.empty())
            is_blank_held_ = true;
        else
            tell(line, end);
    }
    void tell(std::string_view line, std::string_view end) {
        log_.add(std::string(line) + std::string(end));
        if (tell_) tell_(line);
    }
    std::string marker_, held_;
    bool is_blank_held_ = false;
    MaskedLog& log_;
    std::function<void(std::string_view)> tell_;
};

} // namespace

std::string job_script(const sdk::StepRequest& request, const RemoteJob& job, const std::string& nonce) {
    const auto dir = request.inputs.at("remote_dir").get<std::string>();
    std::string exports;
    auto variable = [&exports](const std::string& name, const std::string& value) {
        exports += "export " + name + "=" + shell_word(value) + "\n";
    };
    variable("CASTRA_VM", request.vm.name);
    variable("CASTRA_PROJECT", request.vm.project);
    variable("CASTRA_REMOTE_DIR", dir);
    variable("CASTRA_RUN_ID", request.inputs.value("run_id", ""));
    if (request.inputs.contains("payload")) variable("CASTRA_PAYLOAD_DIR", dir + "/payload");
    for (const auto& [name, value] : request.inputs.at("env").items())
        variable(name, value.get<std::string>());
    // Each program that the guest need not start is milliseconds saved: builtins where they will do.
    const std::string enter = "[ -d " + shell_word(dir) + " ] || mkdir -p -- " + shell_word(dir) + "; cd -- " +
                              shell_word(dir) + " || exit 125\n";
    // The command has its own session; whoever reads our stdin to its end (we are gone, or gave up) ends that.
    const std::string run = "exec 3<&0\n"
                            "own=; command -v setsid >/dev/null 2>&1 && own=setsid\n"
                            "$own /bin/sh -c " +
                            shell_word(job.command) +
                            " </dev/null 3<&- &\n"
                            "job=$!\n"
                            "{ cat <&3; kill -TERM \"-$job\" || kill -TERM \"$job\"; sleep 2; kill -KILL \"-$job\" || "
                            "kill -KILL \"$job\"; } >/dev/null 2>&1 &\n"
                            "watch=$!\n"
                            "exec 3<&-\n"
                            "wait \"$job\"; rc=$?\n"
                            "kill \"$watch\" 2>/dev/null\n";
    // A function, so that nothing of it runs before all of it has arrived. Its end is the session's: the shell must not
    // look for more at our stdin, from which the watch reads too.
    return "main() {\n" + enter + exports + (job.command.empty() ? "rc=0\n" : run) +
           (job.after.empty() ? std::string() : "if [ \"$rc\" = 0 ]; then\n" + job.after + "\nfi\n") +
           "end() { printf '\\n%s%s\\n' " + shell_word("castra-exit-" + nonce + " ") +
           " \"$rc\"; }\n"
           "end >&2\n"
           "end\n"
           "exit 0\n"
           "}\n"
           "main\n";
}

JobResult run_job(const Session& session, const sdk::StepRequest& request, const RemoteJob& job, MaskedLog& log,
                  const std::function<void(std::string_view)>& on_line, const sdk::Call& call) {
    const auto mark = nonce();
    const auto marker = "castra-exit-" + mark + " ";
    JobResult result;
    Lines lines(marker, log, on_line);
    Lines complaints(marker, log, [&](std::string_view line) {
        if (result.complaint.size() < complaint_bytes_max) result.complaint.append(line).append("\n");
    });
    Child child(session.command("exec /bin/sh"));
    Conversation talk;
    talk.input = job_script(request, job, mark);
    talk.keeps_input_open = true; // its end is what ends the job
    talk.on_output = [&](std::string_view piece) { lines.add(piece); };
    talk.on_error = [&](std::string_view piece) { complaints.add(piece); };
    // Both: the streams come by different ways, and the word that explains a failure is often the last of the other
    // one.
    talk.is_enough = [&] { return lines.exit_code.has_value() && complaints.exit_code.has_value(); };
    result.ending = converse(child, talk, call);
    // The next job's session would open while this one ends, and Dropbear before 2024.86 then closes the new one too:
    // it looks at all sessions of a connection when a process of one has ended, and one without a process yet is over.
    if (result.ending.why == Ending::Why::enough) (void)child.wait(sdk::Call::Clock::now() + session_end_wait);
    lines.flush();
    complaints.flush();
    log.flush();
    result.exit_code = lines.exit_code;
    return result;
}

} // namespace castra::ssh
