// SPDX-License-Identifier: Apache-2.0
// App::events, App::event_runs and App::replay: the commands that read journals. They open no run of their own, so what
// they have to say beside the events goes to stderr.
#include "cli/app.hpp"
#include "cli/event_output.hpp"
#include "contract/cloudevents.hpp"
#include "contract/otlp.hpp"
#include "contract/text.hpp"
#include "operations/exit_code.hpp"

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdio>
#include <sys/epoll.h>
#include <unistd.h>

namespace castra {
namespace {

int tell(const Error& error) {
    std::fprintf(stderr, "castra: %s%s%s%s\n", error.text.c_str(), error.hint.empty() ? "" : " (", error.hint.c_str(),
                 error.hint.empty() ? "" : ")");
    return exit_code::of(error.code);
}

// A reader that goes away is noticed at once, not with the next event. Through an epoll of its own: Asio would make a
// descriptor non-blocking, and stdout is shared with whoever started us.
Task<> stop_when_nobody_reads(Executor executor, std::shared_ptr<Gate> stop) {
    UniqueFd queue(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event only_its_end{};
    if (!queue || ::epoll_ctl(queue.get(), EPOLL_CTL_ADD, STDOUT_FILENO, &only_its_end) != 0) co_return; // a file, say
    asio::posix::stream_descriptor watched(executor, queue.release());
    boost::system::error_code error;
    co_await watched.async_wait(asio::posix::stream_descriptor::wait_read,
                                asio::redirect_error(asio::use_awaitable, error));
    if (!error) stop->open();
}

std::unique_ptr<EventOutput> output_for(const EventsQuery& query, OpenReporter console) {
    if (query.format == "ndjson")
        return make_line_output([](const std::string& line) { return std::optional<std::string>(line); });
    if (query.format == "cloudevents")
        return make_line_output([](const std::string& line) { return contract::to_cloudevent(line); });
    if (query.format == "otlp")
        return make_line_output([](const std::string& line) { return contract::to_otlp(line); });
    return make_reporter_output(std::move(console));
}

std::string text_in(const contract::Json& event, const char* key) {
    const auto found = event.find(key);
    return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
}

contract::Json run_json(const RunDigest& run) {
    contract::Json json{
        {"run_id", run.file.run_id}, {"operation", run.operation}, {"project", run.project}, {"began", run.began}};
    if (run.is_sealed()) {
        json["ended"] = run.ended;
        json["outcome"] = run.outcome;
        json["exit_code"] = run.exit_code;
    }
    json["sealed"] = run.is_sealed();
    json["events"] = run.events;
    json["bytes"] = run.file.bytes;
    return json;
}

} // namespace

Result<Layout> App::layout_of(const std::string& config) {
    auto project = load_project(workshop_.installation(), config);
    if (project) return project->layout;
    CASTRA_TRY(located, locate_project(workshop_.installation(), config));
    return located.layout;
}

Task<int> App::feed(const Layout& layout, FeedRequest request, EventOutput& output) {
    const auto executor = workshop_.host().executor();
    const auto stop = std::make_shared<Gate>(executor); // a signal, or nobody reads any more
    const auto cancel = std::make_shared<Gate>(executor);
    asio::co_spawn(executor, cancel_on_signal(cancel), asio::detached);
    asio::co_spawn(
        executor,
        [](std::shared_ptr<Gate> from, std::shared_ptr<Gate> to) -> Task<> {
            co_await from->wait();
            if (from->is_open()) to->open();
        }(cancel, stop),
        asio::detached);
    if (request.follow) asio::co_spawn(executor, stop_when_nobody_reads(executor, stop), asio::detached);
    EventFeed events(executor, layout.journal_dir(), output);
    auto fed = co_await events.run(std::move(request), *stop);
    if (output.reader_is_gone()) co_return exit_code::succeeded;
    if (const auto finished = output.finish(); fed && !finished) fed = finished;
    if (!fed) co_return tell(fed.error());
    if (cancel->is_open()) co_return exit_code::cancelled;
    co_return output.had_gap() ? exit_code::gap : exit_code::succeeded;
}

Task<int> App::events(CommandLine line) {
    const auto& query = line.query;
    FeedRequest request{query.run, {}, query.follow};
    if (!query.since.empty()) {
        const auto cursor = parse_cursor(query.since);
        if (!cursor) co_return tell(cursor.error());
        request.since = *cursor;
    }
    const auto layout = layout_of(line.request.config);
    if (!layout) co_return tell(layout.error());
    const auto output = output_for(query, [&](const std::string& run_id, const contract::Json& first) {
        Output console(workshop_, EventFormat::console, line.verbose, line.color);
        return console.make_sink(run_id, text_in(first, "operation"));
    });
    output->filter.types = query.types;
    output->filter.vms = query.vms;
    if (!query.severity.empty()) output->filter.severity_min = severity_of(query.severity);
    output->gaps_as_json = query.format != "human";
    const int code = co_await feed(*layout, std::move(request), *output);
    co_return code;
}

Task<int> App::replay(CommandLine line) {
    const auto& query = line.query;
    auto config = contract::Json::parse(query.reporter_config.empty() ? "{}" : query.reporter_config, nullptr, false);
    if (!config.is_object())
        co_return tell({ErrorCode::usage, "--reporter-config is no JSON object", "such as '{\"fd\":1}'"});
    const auto layout = layout_of(line.request.config);
    if (!layout) co_return tell(layout.error());
    auto project = load_project(workshop_.installation(), line.request.config);
    const auto output = make_reporter_output([&](const std::string& run_id, const contract::Json& first) {
        Output out(workshop_, EventFormat::console, line.verbose, line.color);
        return out.make_reporter(query.reporter, nlohmann::json::parse(config.dump()),
                                 project ? &project->config : nullptr, run_id, text_in(first, "operation"),
                                 text_in(first, "project"));
    });
    FeedRequest request{query.run, {}, false};
    const int code = co_await feed(*layout, std::move(request), *output);
    co_return code;
}

int App::event_runs(const CommandLine& line) {
    const auto layout = layout_of(line.request.config);
    if (!layout) return tell(layout.error());
    const JournalStore store(layout->journal_dir());
    const auto pruned = load_pruned(store.directory());
    if (!pruned) std::fprintf(stderr, "castra: %s\n", pruned.error().text.c_str());
    if (line.json) {
        contract::Json json;
        json["runs"] = contract::Json::array();
        for (const auto& file : store.runs())
            json["runs"].push_back(run_json(digest_of(file)));
        if (pruned && pruned->runs > 0)
            json["pruned"] = {{"runs", pruned->runs},
                              {"events", pruned->events},
                              {"bytes", pruned->bytes},
                              {"through", pruned->through}};
        std::puts(json.dump(2, ' ', false, contract::Json::error_handler_t::replace).c_str());
        return exit_code::succeeded;
    }
    const auto clean = [](const std::string& text) { return contract::clean_text(text, 64, true); };
    for (const auto& file : store.runs()) {
        const auto run = digest_of(file);
        std::printf("%s  %-9s  %.19sZ  %-9s  %6lld events  %8lld bytes\n", run.file.run_id.c_str(),
                    clean(run.operation).c_str(), clean(run.began).c_str(),
                    run.is_sealed() ? clean(run.outcome).c_str() : "no end", static_cast<long long>(run.events),
                    static_cast<long long>(run.file.bytes));
    }
    if (pruned && pruned->runs > 0) std::printf("%lld older runs were pruned\n", static_cast<long long>(pruned->runs));
    return exit_code::succeeded;
}

} // namespace castra
