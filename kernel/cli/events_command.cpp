// SPDX-License-Identifier: Apache-2.0
// castra events: the events of past runs and of runs under way, from their journals.
#include "cli/commands.hpp"
#include "cli/feed_events.hpp"
#include "cli/grammar.hpp"
#include "contract/cloudevents.hpp"
#include "contract/otlp.hpp"

namespace castra {
namespace {

struct EventsQuery {
    std::string run, since, severity, format = "human";
    std::vector<std::string> types, vms;
    bool follow = false;
};

std::unique_ptr<EventOutput> output_for(const EventsQuery& query, OpenReporter console) {
    if (query.format == "ndjson")
        return make_line_output([](const std::string& line) { return std::optional<std::string>(line); });
    if (query.format == "cloudevents")
        return make_line_output([](const std::string& line) { return contract::to_cloudevent(line); });
    if (query.format == "otlp")
        return make_line_output([](const std::string& line) { return contract::to_otlp(line); });
    return make_reporter_output(std::move(console));
}

Task<int> events(App& app, const CommandLine& line, EventsQuery query) {
    FeedRequest request{query.run, {}, query.follow};
    if (!query.since.empty()) {
        const auto cursor = parse_cursor(query.since);
        if (!cursor) co_return complain(cursor.error());
        request.since = *cursor;
    }
    const auto layout = app.layout_of(line.request.config);
    if (!layout) co_return complain(layout.error());
    const auto output = output_for(query, [&](const std::string& run_id, const contract::Json& first) {
        Output console(app.workshop(), EventFormat::console, line);
        return console.make_sink(run_id, text_in(first, "operation"));
    });
    output->filter.types = query.types;
    output->filter.vms = query.vms;
    if (!query.severity.empty()) output->filter.severity_min = severity_of(query.severity);
    output->gaps_as_json = query.format != "human";
    const int code = co_await feed_events(app, *layout, std::move(request), *output);
    co_return code;
}

} // namespace

void add_events(Grammar& grammar) {
    const auto query = Grammar::options<EventsQuery>();
    auto events = grammar.add("events", "Show the events of runs from their journals; writes nothing",
                              [query](App& app, const CommandLine& line) { return castra::events(app, line, *query); });
    grammar.add_file(events);
    grammar.add_look(events);
    events.option("--run", query->run, "Of one run: its id, the beginning of it, or latest (default)");
    events.option("--since", query->since, "Only what comes behind a cursor; without --run also later runs")
        .type_name("RUN_ID:SEQ");
    events.flag("--follow,-f", query->follow, "Wait for more; with --run until its summary, else for ever");
    events.option("--type", query->types, "Only these types, such as vm.launch or 'vm.*'").type_name("GLOB");
    events.option("--vm", query->vms, "Only of these VMs").type_name("VM");
    events.option("--severity", query->severity, "Only of this severity and above")
        .one_of({"progress", "info", "warn", "error", "blocker"});
    events.option("--format", query->format, "human, ndjson (the journal's bytes), cloudevents, otlp")
        .one_of({"human", "ndjson", "cloudevents", "otlp"})
        .type_name("FORMAT");
    events.footer("\nWhat was asked for and is gone is told on stderr, and the exit code is 11.\n"
                  "Example: castra events --since 01ARYZ6S410000000000000000:12 --follow --format ndjson");
    events.may_have_command();
    add_event_runs(grammar, events);
    add_events_verify(grammar, events);
    add_events_diff_plan(grammar, events);
}

} // namespace castra
