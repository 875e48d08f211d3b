// SPDX-License-Identifier: Apache-2.0
// castra report: a run of the past as one HTML file, made by reporter-html from the journal.
#include "cli/commands.hpp"
#include "cli/feed_events.hpp"
#include "cli/grammar.hpp"
#include "operations/exit_code.hpp"

namespace castra {
namespace {

struct ReportOptions {
    std::string run = "latest", output;
};

Task<int> report(App& app, const CommandLine& line, ReportOptions options) {
    const auto layout = app.layout_of(line.request.config);
    if (!layout) co_return complain(layout.error());
    const auto run = resolve_run(JournalStore(layout->journal_dir()), options.run);
    if (!run) co_return complain(run.error());
    const auto wanted = options.output.empty() ? "castra-" + *run + ".html" : options.output;
    const auto file = std::filesystem::absolute(wanted).lexically_normal();
    if (std::filesystem::is_directory(file))
        co_return complain({ErrorCode::usage, file.string() + " is a directory", "name the file: -o FILE"});
    const auto project = load_project(app.installation(), line.request.config);
    const auto output = make_reporter_output([&](const std::string& run_id, const contract::Json& first) {
        Output out(app.workshop(), EventFormat::console, line);
        return out.make_reporter("html", {{"path", file.string()}}, project ? &project->config : nullptr, run_id,
                                 text_in(first, "operation"), text_in(first, "project"));
    });
    FeedRequest request{*run, {}, false};
    const int code = co_await feed_events(app, *layout, std::move(request), *output);
    if (code != exit_code::succeeded && code != exit_code::gap) co_return code;
    const contract::Json answer{{"run_id", *run}, {"file", file.string()}};
    print(line.json ? answer.dump(-1, ' ', false, contract::Json::error_handler_t::replace) + "\n"
                    : file.string() + "\n");
    co_return code;
}

} // namespace

void add_report(Grammar& grammar) {
    const auto options = Grammar::options<ReportOptions>();
    auto report =
        grammar.add("report", "Write a run as one HTML file, from its journal",
                    [options](App& app, const CommandLine& line) { return castra::report(app, line, *options); });
    grammar.add_file(report);
    grammar.add_json(report);
    report.option("run", options->run, "Its id, the beginning of it, or latest (default)").type_name("RUN");
    report.option("-o,--output", options->output, "The file; default: castra-RUN.html here").type_name("FILE");
}

} // namespace castra
