// SPDX-License-Identifier: Apache-2.0
// castra exec: one command in several VMs at once.
#include "cli/app.hpp"
#include "cli/everyday_commands.hpp"
#include "cli/grammar.hpp"
#include "cli/live_status.hpp"
#include "host/in_parallel.hpp"
#include "host/piped_run.hpp"
#include "operations/exit_code.hpp"
#include "operations/guest_ssh.hpp"

#include <algorithm>
#include <cstdio>

namespace castra {
namespace {

constexpr std::size_t at_once_max = 16;           // sessions
constexpr std::size_t kept_bytes_max = 1 << 20;   // of one VM's output, for --json
constexpr std::size_t line_bytes_max = 64 * 1024; // of a line that gets its VM's name in front

struct ExecOptions {
    bool all = false;
    std::int64_t timeout_secs = 0;
};

// One VM's part of it.
struct Execution {
    GuestSsh guest;
    std::string output, errors; // for --json: the first bytes; else the unfinished line
    bool is_cut = false;
    std::optional<ExitStatus> ended;
    std::optional<Error> error; // it did not run to its end
    std::int64_t duration_ms = 0;

    bool is_good() const { return ended && ended->exit_code == 0; }
};

// Whole lines with the name in front, as they come; several VMs never mix within one.
void print_lines(std::FILE* to, const std::string& name, std::string& waiting, std::string_view piece, bool is_last) {
    waiting.append(piece);
    std::string out;
    std::size_t begin = 0;
    for (auto end = waiting.find('\n'); end != std::string::npos; end = waiting.find('\n', begin)) {
        out += name + " | " + waiting.substr(begin, end - begin + 1);
        begin = end + 1;
    }
    waiting.erase(0, begin);
    if (!waiting.empty() && (is_last || waiting.size() > line_bytes_max)) {
        out += name + " | " + waiting + "\n";
        waiting.clear();
    }
    std::fwrite(out.data(), 1, out.size(), to);
    std::fflush(to);
}

void keep(Execution& one, std::string& kept, std::string_view piece) {
    const auto room = kept_bytes_max - std::min(kept_bytes_max, kept.size());
    one.is_cut = one.is_cut || piece.size() > room;
    kept.append(piece.substr(0, room));
}

enum class Shown { as_json, with_names, as_it_is };

Task<> execute(App& app, Execution& one, std::string command, Shown shown, Milliseconds deadline,
               std::shared_ptr<Gate> cancel) {
    PipedRun run;
    run.argv = ssh_argv(one.guest, true, command);
    run.deadline = deadline;
    run.cancel = cancel;
    const auto take = [&one, shown](std::FILE* to, std::string& text) {
        return [&one, &text, to, shown](std::string_view piece) {
            if (shown == Shown::as_json) return keep(one, text, piece);
            if (shown == Shown::with_names) return print_lines(to, one.guest.vm, text, piece, false);
            std::fwrite(piece.data(), 1, piece.size(), to);
            std::fflush(to);
        };
    };
    run.on_output = take(stdout, one.output);
    run.on_error = take(stderr, one.errors);
    const auto began = app.host().clock().monotonic_us();
    auto ended = co_await run_piped(app.host(), std::move(run));
    one.duration_ms = (app.host().clock().monotonic_us() - began) / 1000;
    if (shown == Shown::with_names) {
        print_lines(stdout, one.guest.vm, one.output, "", true);
        print_lines(stderr, one.guest.vm, one.errors, "", true);
    }
    if (!ended)
        one.error = ended.error();
    else if (ended->exit_code == 255)
        one.error = Error{ErrorCode::io, "ssh to " + one.guest.vm + " failed", "castra logs " + one.guest.vm};
    if (ended) one.ended = *ended;
}

// Takes the next one that nobody has begun, until there is none.
Task<> work(App& app, std::vector<Execution>& all, std::size_t& next, std::string command, Shown shown,
            Milliseconds deadline, std::shared_ptr<Gate> cancel) {
    while (next < all.size() && !cancel->is_open()) {
        auto& one = all[next++];
        co_await execute(app, one, command, shown, deadline, cancel);
    }
}

nlohmann::ordered_json to_json(const Execution& one) {
    nlohmann::ordered_json json{{"vm", one.guest.vm}, {"ok", one.is_good()}};
    if (one.ended && one.ended->exit_code) json["exit_code"] = *one.ended->exit_code;
    if (one.ended && one.ended->signal) json["signal"] = *one.ended->signal;
    if (one.error)
        json["error"] = {{"code", to_string(one.error->code)}, {"text", one.error->text}, {"hint", one.error->hint}};
    json["stdout"] = one.output;
    json["stderr"] = one.errors;
    json["truncated"] = one.is_cut;
    json["duration_ms"] = one.duration_ms;
    return json;
}

int code_of(const std::vector<Execution>& all, bool is_cancelled) {
    if (is_cancelled) return exit_code::cancelled;
    if (all.size() == 1 && all.front().ended && all.front().ended->exit_code) return *all.front().ended->exit_code;
    return std::ranges::all_of(all, &Execution::is_good) ? exit_code::succeeded : exit_code::failed;
}

Task<int> exec(App& app, const CommandLine& line, ExecOptions options) {
    const auto command = tail_of(line.request.argv);
    if (command.empty())
        co_return complain(
            {ErrorCode::usage, "castra exec needs a command behind --", "castra exec web-0 -- uname -a"});
    if (options.all != line.request.vms.empty())
        co_return complain({ErrorCode::usage, options.all ? "--all and VMs exclude each other" : "which VMs?",
                            "name them, or write --all for all that are up"});
    const auto status = co_await live_status(app, line);
    if (!status) co_return complain(status.error());
    std::vector<Execution> all;
    for (const auto& vm : line.request.vms) {
        auto guest = guest_ssh(*status, vm);
        if (!guest) co_return complain(guest.error());
        all.push_back({std::move(*guest)});
    }
    if (options.all)
        for (auto& guest : all_guest_ssh(*status))
            all.push_back({std::move(guest)});
    if (all.empty()) co_return complain({ErrorCode::launch, "no VM is up that has a way in by SSH", "castra up"});
    const auto shown = line.json ? Shown::as_json : all.size() > 1 ? Shown::with_names : Shown::as_it_is;
    const auto cancel = app.cancelled_by_signal();
    std::size_t next = 0;
    std::vector<Task<>> workers;
    for (std::size_t i = 0; i < std::min(all.size(), at_once_max); ++i)
        workers.push_back(
            work(app, all, next, remote_command(command), shown, std::chrono::seconds(options.timeout_secs), cancel));
    co_await in_parallel(app.host().executor(), std::move(workers));
    if (line.json) {
        nlohmann::ordered_json answer{{"ok", std::ranges::all_of(all, &Execution::is_good)},
                                      {"vms", nlohmann::ordered_json::array()}};
        for (const auto& one : all)
            answer["vms"].push_back(to_json(one));
        print(answer.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    } else {
        for (const auto& one : all)
            if (one.error)
                complain(*one.error);
            else if (all.size() > 1 && !one.is_good())
                std::fprintf(stderr, "castra: %s: exit code %d\n", one.guest.vm.c_str(),
                             one.ended && one.ended->exit_code ? *one.ended->exit_code : -1);
    }
    co_return code_of(all, cancel->is_open());
}

} // namespace

void add_exec(Grammar& grammar) {
    const auto options = Grammar::options<ExecOptions>();
    auto exec = grammar.add("exec", "Run one command in several VMs at once",
                            [options](App& app, const CommandLine& line) { return castra::exec(app, line, *options); });
    grammar.add_file(exec);
    grammar.add_json(exec);
    exec.option("vms", grammar.line().request.vms, "The VMs").type_name("VM");
    exec.flag("--all", options->all, "All that are up and have a way in by SSH");
    exec.option("--timeout", options->timeout_secs, "Seconds for each VM, 1..86400; default: as long as it takes")
        .range(1, 86400)
        .type_name("SECONDS");
    exec.footer(
        "\nAt most 16 at a time. Lines of several VMs get their names in front. Exit code: of one VM, the command's;\n"
        "of several, 0 if it was 0 in each, else 1. One word behind -- is a line for the guest's shell; several\n"
        "are a program and its arguments, exactly as they are.\n"
        "Examples:\n"
        "  castra exec web-0 web-1 -- uptime\n"
        "  castra exec --all --json -- cat /etc/hostname\n"
        "  castra exec --all -- 'df -h / | tail -1'");
}

} // namespace castra
