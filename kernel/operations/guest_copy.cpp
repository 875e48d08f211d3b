// SPDX-License-Identifier: Apache-2.0
#include "operations/guest_copy.hpp"

#include "config/names.hpp"
#include "contract/text.hpp"
#include "host/files.hpp"
#include "host/new_files.hpp"

#include <algorithm>

namespace castra {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t complaint_bytes_max = 2048;

// The two ends of a pipe of programs, and what they said of their failure.
struct Piped {
    Result<ExitStatus> sender = fail(ErrorCode::internal, "not run"), receiver = fail(ErrorCode::internal, "not run");
    std::string complaint; // of both
    std::int64_t entries = 0;
};

bool is_good(const Result<ExitStatus>& ended) {
    return ended && ended->exit_code == 0;
}

// `lister`: whose stdout, or stderr, tells each entry on a line.
Task<> run_end(Host& host, PipedRun run, Result<ExitStatus>& ended) {
    ended = co_await run_piped(host, std::move(run));
}

Task<Result<Piped>> pipe_programs(Host& host, PipedRun sender, PipedRun receiver) {
    Piped piped;
    const auto complain = [&piped](std::string_view text) {
        piped.complaint.append(
            text.substr(0, complaint_bytes_max - std::min(complaint_bytes_max, piped.complaint.size())));
    };
    CASTRA_CO_TRY(ends, make_pipe());
    sender.output = std::move(ends.second);
    receiver.input = std::move(ends.first);
    if (!sender.on_error) sender.on_error = complain;
    if (!receiver.on_error) receiver.on_error = complain;
    receiver.on_output = [&piped](std::string_view text) { piped.entries += std::ranges::count(text, '\n'); };
    co_await (run_end(host, std::move(sender), piped.sender) && run_end(host, std::move(receiver), piped.receiver));
    co_return piped;
}

// One line for people of what programs said on stderr.
std::string one_line(const std::string& complaint) {
    auto text = contract::clean_text(complaint, complaint_bytes_max, true);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\n'))
        text.pop_back();
    return text;
}

Result<CopyCounts> outcome_of(const Piped& piped, const std::string& doing) {
    if (is_good(piped.sender) && is_good(piped.receiver)) return CopyCounts{piped.entries};
    for (const auto* ended : {&piped.sender, &piped.receiver})
        if (!*ended && ended->error().code == ErrorCode::cancelled) return Failure(ended->error().within(doing));
    const auto said = one_line(piped.complaint);
    if (said.find("castra: not found:") != std::string::npos)
        return fail(ErrorCode::not_found, doing + ": " + said.substr(said.find("castra: not found:") + 19));
    for (const auto* ended : {&piped.sender, &piped.receiver})
        if (!*ended) return Failure(ended->error().within(doing));
    return fail(ErrorCode::io, doing + ": " + (said.empty() ? "it failed without a word" : said));
}

// Where in the guest: $d the destination, $n the one name that is sent. Works with dash and busybox ash.
std::string receive_script(const std::string& to, const std::string& name, bool wants_directory) {
    std::string script = "set -e; d=" + shell_quoted(to.empty() ? "." : to) + "; n=" + shell_quoted(name) + "\n";
    script += "if [ -d \"$d\" ]; then tar -xovf - -C \"$d\"; exit; fi\n";
    if (wants_directory)
        return script + "echo \"castra: not found: no directory $d in the guest\" >&2; cat >/dev/null; exit 1\n";
    script += "p=$(dirname \"$d\")\n"
              "if [ ! -d \"$p\" ]; then echo \"castra: not found: no directory $p in the guest\" >&2; cat >/dev/null; "
              "exit 1; fi\n"
              "t=$(mktemp -d \"$p/.castra-XXXXXX\"); trap 'rm -rf \"$t\"' EXIT\n"
              "tar -xovf - -C \"$t\"; mv -f \"$t/$n\" \"$d\"\n";
    return script;
}

std::string send_script(const std::string& from) {
    return "p=" + shell_quoted(from) +
           "\nif [ ! -e \"$p\" ] && [ ! -L \"$p\" ]; then echo \"castra: not found: no $p in the guest\" >&2; exit 1; "
           "fi\n"
           "cd \"$(dirname \"$p\")\" && tar -cf - \"./$(basename \"$p\")\"\n";
}

} // namespace

CopyPlace parse_copy_place(const std::string& text) {
    const auto colon = text.find(':');
    if (colon == std::string::npos || !is_name(text.substr(0, colon))) return {"", text};
    return {text.substr(0, colon), text.substr(colon + 1)};
}

Task<Result<CopyCounts>> copy_in(Host& host, const GuestSsh& guest, std::vector<fs::path> from, std::string to,
                                 std::shared_ptr<Gate> cancel) {
    const auto doing = "copy to " + guest.vm + ":" + to;
    PipedRun sender;
    sender.argv = {"tar", "-cf", "-"};
    std::string name;
    for (const auto& source : from) {
        if (!files::exists(source)) co_return fail(ErrorCode::not_found, doing + ": no file " + source.string());
        std::error_code problem;
        auto path = fs::absolute(source, problem).lexically_normal();
        if (!path.has_filename()) path = path.parent_path();
        name = path.filename().string();
        sender.argv.insert(sender.argv.end(), {"-C", path.parent_path().string(), "./" + name});
    }
    sender.cancel = cancel;
    PipedRun receiver;
    const bool wants_directory = from.size() > 1 || to.ends_with('/');
    receiver.argv = ssh_argv(guest, true, receive_script(to, name, wants_directory));
    receiver.cancel = cancel;
    CASTRA_CO_TRY(piped, co_await pipe_programs(host, std::move(sender), std::move(receiver)));
    co_return outcome_of(piped, doing);
}

Task<Result<CopyCounts>> copy_out(Host& host, const GuestSsh& guest, std::string from, fs::path to,
                                  std::shared_ptr<Gate> cancel) {
    const auto doing = "copy from " + guest.vm + ":" + from;
    while (from.size() > 1 && from.ends_with('/'))
        from.pop_back();
    const auto name = fs::path(from).filename().string();
    if (name.empty() || name == "." || name == "..")
        co_return fail(ErrorCode::usage, doing + ": which file or folder?",
                       "name it, such as " + guest.vm + ":/etc/hostname");
    std::error_code problem;
    to = fs::absolute(to, problem).lexically_normal();
    const auto target = fs::is_directory(to, problem) ? to / name : to;
    if (!fs::is_directory(target.parent_path(), problem))
        co_return fail(ErrorCode::not_found, doing + ": no directory " + target.parent_path().string());
    if (fs::is_directory(target, problem))
        co_return fail(ErrorCode::busy, doing + ": " + target.string() + " is a directory that is there already",
                       "remove it, or give another name");
    CASTRA_CO_TRY(scratch, files::make_temporary_directory(target.parent_path()));
    PipedRun sender;
    sender.argv = ssh_argv(guest, true, send_script(from));
    sender.cancel = cancel;
    PipedRun receiver;
    receiver.argv = {"tar", "-xovf", "-", "-C", scratch.string()};
    receiver.cancel = cancel;
    auto piped = co_await pipe_programs(host, std::move(sender), std::move(receiver));
    auto done = piped ? outcome_of(*piped, doing) : Result<CopyCounts>(Failure(piped.error()));
    if (done) {
        fs::rename(scratch / name, target, problem);
        if (problem) done = fail(ErrorCode::io, doing + ": write " + target.string() + ": " + problem.message());
    }
    (void)files::remove_tree(scratch);
    co_return done;
}

} // namespace castra
