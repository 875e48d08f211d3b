// SPDX-License-Identifier: Apache-2.0
// castra logs: what guests, their processes, bootstraps, the broker and the supervisor have written; with --follow also
// what they write from here on. Woken by inotify, never by a clock.
#include "cli/app.hpp"
#include "cli/everyday_commands.hpp"
#include "cli/feed_events.hpp"
#include "cli/grammar.hpp"
#include "cli/live_status.hpp"
#include "contract/text.hpp"
#include "host/directory_watch.hpp"
#include "host/growing_file.hpp"
#include "host/in_parallel.hpp"
#include "operations/exit_code.hpp"
#include "operations/log_files.hpp"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace castra {
namespace {

constexpr std::size_t line_bytes_max = 64 * 1024; // then it is shown in pieces

struct LogsOptions {
    std::vector<std::string> kinds;
    std::int64_t lines = -1; // of each log; -1: all
    bool follow = false;
};

// One log while it is shown.
struct Shown {
    LogFile log;
    GrowingFile file;
    std::string waiting; // a line without its end
};

class LogPrinter {
public:
    LogPrinter(bool as_json, bool with_names) : as_json_(as_json), with_names_(with_names) {}

    // One run after the other: where the next begins. JSON says it in each line.
    void begin(const LogFile& log) {
        if (!log.run_id.empty() && !as_json_) line(log, "== run " + log.run_id);
    }
    void show(Shown& shown, std::string_view piece, bool is_last) {
        if (!as_json_ && !with_names_ && !is_terminal_ && shown.log.run_id.empty())
            return write(std::string(piece)); // the guest's own bytes
        shown.waiting.append(piece);
        std::size_t begin = 0;
        for (auto end = shown.waiting.find('\n'); end != std::string::npos; end = shown.waiting.find('\n', begin)) {
            line(shown.log, shown.waiting.substr(begin, end - begin));
            begin = end + 1;
        }
        shown.waiting.erase(0, begin);
        if (shown.waiting.empty() || (!is_last && shown.waiting.size() <= line_bytes_max)) return;
        line(shown.log, shown.waiting);
        shown.waiting.clear();
    }
    bool reader_is_gone() const { return reader_is_gone_; }

private:
    void line(const LogFile& log, std::string text) {
        if (text.ends_with('\r')) text.pop_back();
        if (as_json_) {
            nlohmann::ordered_json json;
            if (!log.vm.empty()) json["vm"] = log.vm;
            json["log"] = log.kind;
            if (!log.run_id.empty()) json["run_id"] = log.run_id;
            json["text"] = text;
            return write(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
        }
        // A guest may print what it likes; a terminal must not do what it says.
        if (is_terminal_) text = contract::clean_text(text, line_bytes_max, true);
        if (with_names_) text = (log.vm.empty() ? "" : log.vm + " ") + log.kind + " | " + text;
        write(text + "\n");
    }
    void write(const std::string& text) {
        if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
            reader_is_gone_ = true;
    }

    bool as_json_, with_names_, is_terminal_ = isatty(STDOUT_FILENO) == 1, reader_is_gone_ = false;
};

// What one VM and kind wants: shows its files, and those that come.
class LogView {
public:
    LogView(const Layout& layout, std::string vm, std::string kind, LogPrinter& printer, std::int64_t lines)
        : layout_(layout), vm_(std::move(vm)), kind_(std::move(kind)), printer_(printer), lines_(lines) {}

    void look(bool is_first) {
        const auto logs = log_files(layout_, vm_, kind_);
        if (!logs) unlisted_ = logs.error();
        for (const auto& log : logs ? *logs : std::vector<LogFile>()) {
            auto known = std::ranges::find(all_, log.path, [](const auto& one) { return one->log.path; });
            if (known == all_.end()) {
                if (!log.run_id.empty()) finish(); // the one before is over
                printer_.begin(log);
                all_.push_back(std::make_unique<Shown>(Shown{log, GrowingFile(log.path), ""}));
                known = all_.end() - 1;
                if (is_first && lines_ >= 0) (*known)->file.start_at_last_lines(static_cast<std::size_t>(lines_));
            }
            do
                printer_.show(**known, (*known)->file.read_new(), false);
            while ((*known)->file.is_behind() && !printer_.reader_is_gone());
        }
    }
    void finish() {
        for (auto& one : all_)
            printer_.show(*one, "", true);
    }
    // Why something that is there could not be shown.
    std::optional<Error> problem() const {
        for (const auto& one : all_)
            if (one->file.problem()) return one->file.problem();
        return unlisted_;
    }
    std::filesystem::path directory() const { return log_directory(layout_, vm_, kind_); }

private:
    const Layout& layout_;
    std::string vm_, kind_;
    LogPrinter& printer_;
    std::int64_t lines_;
    std::vector<std::unique_ptr<Shown>> all_;
    std::optional<Error> unlisted_;
};

// What could be shown was; whatever could not is told. Returns the exit code.
int complain_of(const std::vector<std::unique_ptr<LogView>>& views, int code) {
    for (const auto& view : views)
        if (const auto problem = view->problem()) code = complain(*problem);
    return code;
}

Task<> follow(LogView& view, DirectoryWatch watch, LogPrinter& printer, std::shared_ptr<Gate> stop) {
    while (!stop->is_open() && !printer.reader_is_gone()) {
        view.look(false);
        (void)co_await (watch.changed() || stop->wait());
    }
    stop->open();
}

Task<int> logs(App& app, const CommandLine& line, LogsOptions options) {
    const auto status = co_await live_status(app, line);
    if (!status) co_return complain(status.error());
    const auto vms = wanted_vms(*status, line.request.vms);
    if (!vms) co_return complain(vms.error());
    const auto layout = app.layout_of(line.request.config);
    if (!layout) co_return complain(layout.error());
    if (options.kinds.empty()) options.kinds = {"serial", "process"};
    const auto project_kinds = std::ranges::count_if(options.kinds, is_of_project);
    const auto vm_kinds = static_cast<std::ptrdiff_t>(options.kinds.size()) - project_kinds;
    const auto count = vm_kinds * static_cast<std::ptrdiff_t>(vms->size()) + project_kinds;
    LogPrinter printer(line.json, count > 1);
    std::vector<std::unique_ptr<LogView>> views;
    for (const auto& kind : options.kinds) {
        if (is_of_project(kind)) {
            views.push_back(std::make_unique<LogView>(*layout, "", kind, printer, options.lines));
            continue;
        }
        for (const auto& vm : *vms)
            views.push_back(std::make_unique<LogView>(*layout, vm.name, kind, printer, options.lines));
    }
    if (!options.follow) {
        for (auto& view : views) {
            view->look(true);
            view->finish();
        }
        co_return complain_of(views, exit_code::succeeded);
    }
    if (const auto looks = somebody_can_look(); !looks) co_return complain(looks.error());
    const auto stop = stop_at_signal(app);
    asio::co_spawn(app.host().executor(), stop_when_nobody_reads(app.host().executor(), stop), asio::detached);
    std::vector<Task<>> watches;
    for (auto& view : views) {
        auto watch = DirectoryWatch::open(app.host().executor(), view->directory());
        if (!watch) co_return complain(watch.error());
        view->look(true);
        watches.push_back(follow(*view, std::move(*watch), printer, stop));
    }
    co_await in_parallel(app.host().executor(), std::move(watches));
    for (auto& view : views)
        view->finish();
    const bool is_cancelled = app.cancelled_by_signal()->is_open() && !printer.reader_is_gone();
    co_return complain_of(views, is_cancelled ? exit_code::cancelled : exit_code::succeeded);
}

} // namespace

void add_logs(Grammar& grammar) {
    const auto options = Grammar::options<LogsOptions>();
    auto logs = grammar.add("logs", "Show what guests and their processes have written; with --follow also what comes",
                            [options](App& app, const CommandLine& line) { return castra::logs(app, line, *options); });
    grammar.add_file(logs);
    logs.flag("--json", grammar.line().json, "One JSON object a line: vm, log, run_id (of a bootstrap), text");
    logs.option("vms", grammar.line().request.vms, "VMs; default: all").type_name("VM");
    logs.option("--log", options->kinds,
                "Which, separated by commas: serial, process, bootstrap, broker, supervisor;\n"
                "default: serial,process")
        .separated_by_commas()
        .one_of({log_kinds.begin(), log_kinds.end()})
        .type_name("KIND");
    logs.option("-n,--lines", options->lines, "Only the last ones of each log, 0..1000000; default: all")
        .range(0, 1000000)
        .type_name("COUNT");
    logs.flag("-f,--follow", options->follow, "Go on with what is written, until Ctrl-C; also of VMs that come later");
    logs.footer(
        "\nThe logs stay after castra down. Of a serial log 4 MiB are kept and 4 MiB older ones, in serial.log.1.\n"
        "On a terminal control characters of guests are taken out.\n"
        "Examples:\n"
        "  castra logs web-0\n"
        "  castra logs --follow --log serial --lines 20\n"
        "  castra logs --log bootstrap web-0 --json");
}

} // namespace castra
