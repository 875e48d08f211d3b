// SPDX-License-Identifier: Apache-2.0
// castra events runs: which runs have a journal.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"
#include "contract/text.hpp"
#include "operations/exit_code.hpp"
#include "state/journal_store.hpp"
#include "state/pruned_runs.hpp"

#include <cstdio>

namespace castra {
namespace {

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

Task<int> event_runs(App& app, const CommandLine& line) {
    const auto layout = app.layout_of(line.request.config);
    if (!layout) co_return complain(layout.error());
    const JournalStore store(layout->journal_dir());
    const auto runs = store.list();
    if (!runs) co_return complain(runs.error());
    const auto pruned = load_pruned(store.directory());
    if (!pruned) std::fprintf(stderr, "castra: %s\n", pruned.error().text.c_str());
    if (line.json) {
        contract::Json json;
        json["runs"] = contract::Json::array();
        for (const auto& file : *runs)
            json["runs"].push_back(run_json(digest_of(file)));
        if (pruned && pruned->runs > 0)
            json["pruned"] = {{"runs", pruned->runs},
                              {"events", pruned->events},
                              {"bytes", pruned->bytes},
                              {"through", pruned->through}};
        std::puts(json.dump(2, ' ', false, contract::Json::error_handler_t::replace).c_str());
        co_return exit_code::succeeded;
    }
    const auto clean = [](const std::string& text) { return contract::clean_text(text, 64, true); };
    for (const auto& file : *runs) {
        const auto run = digest_of(file);
        std::printf("%s  %-9s  %.19sZ  %-9s  %6lld events  %8lld bytes\n", run.file.run_id.c_str(),
                    clean(run.operation).c_str(), clean(run.began).c_str(),
                    run.is_sealed() ? clean(run.outcome).c_str() : "no end", static_cast<long long>(run.events),
                    static_cast<long long>(run.file.bytes));
    }
    if (pruned && pruned->runs > 0) std::printf("%lld older runs were pruned\n", static_cast<long long>(pruned->runs));
    co_return exit_code::succeeded;
}

} // namespace

void add_event_runs(Grammar& grammar, CommandWords events) {
    auto runs = grammar.add(
        "runs", "List the runs that have a journal, newest first",
        [](App& app, const CommandLine& line) { return event_runs(app, line); }, events);
    grammar.add_json(runs);
}

} // namespace castra
