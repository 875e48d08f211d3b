// SPDX-License-Identifier: Apache-2.0
// castra events diff-plan: what a run's bootstraps did, held against their plan.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"
#include "contract/plan_diff.hpp"
#include "contract/text.hpp"
#include "host/files.hpp"
#include "operations/event_feed.hpp"
#include "operations/exit_code.hpp"

#include <cstdio>
#include <sstream>

namespace castra {
namespace {

constexpr std::size_t plan_bytes_max = 64UL << 20; // of a saved plan

struct DiffOptions {
    std::string run, plan;
};

// Takes a run's events into the comparison. Without a saved plan the run's own is the plan.
class Comparing : public FeedReader {
public:
    explicit Comparing(contract::PlanDiff& diff, bool is_own_plan) : diff_(diff), is_own_plan_(is_own_plan) {}

    Result<> take(const std::string& id, const std::vector<FeedEvent>& events) override {
        if (run_id.empty()) run_id = id;
        if (id != run_id) return {}; // one run
        for (const auto& event : events) {
            if (is_own_plan_) diff_.plan(event.event);
            diff_.run(event.event);
        }
        return {};
    }
    void gap(const FeedGap& gap) override {
        std::fprintf(stderr, "castra: gap: %s\n", gap.detail.c_str());
        had_gap = true;
    }

    std::string run_id;
    bool had_gap = false;

private:
    contract::PlanDiff& diff_;
    bool is_own_plan_;
};

Result<> read_plan(const std::string& path, contract::PlanDiff& diff) {
    CASTRA_TRY(text, files::read(path, plan_bytes_max));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const auto event = contract::Json::parse(line, nullptr, false);
        if (!event.is_object())
            return fail(ErrorCode::usage, path + " is no stream of events",
                        "save one: castra up --plan --events ndjson > " + path);
        diff.plan(event);
    }
    if (!diff.has_plan())
        return fail(ErrorCode::usage, path + " has no bootstrap.planned event",
                    "save one: castra up --plan --events ndjson > " + path);
    return {};
}

std::string shown(const contract::Json& value) {
    if (value.is_null()) return "nothing";
    const auto text = value.is_string() ? value.get<std::string>()
                                        : value.dump(-1, ' ', false, contract::Json::error_handler_t::replace);
    return contract::clean_text(text, 200, true);
}

void show(const std::string& run_id, const contract::PlanDiff& diff, bool as_json) {
    const auto differences = diff.differences();
    if (as_json) {
        contract::Json answer{{"run_id", run_id},
                              {"as_planned", differences.empty()},
                              {"vms", diff.vms()},
                              {"differences", contract::Json::array()}};
        for (const auto& one : differences)
            answer["differences"].push_back(
                {{"vm", one.vm}, {"what", one.what}, {"planned", one.planned}, {"actual", one.actual}});
        std::puts(answer.dump(2, ' ', false, contract::Json::error_handler_t::replace).c_str());
        return;
    }
    for (const auto& one : differences)
        std::printf("%s: %s: planned %s, was %s\n", contract::clean_text(one.vm, 64, true).c_str(), one.what.c_str(),
                    shown(one.planned).c_str(), shown(one.actual).c_str());
    if (differences.empty())
        std::printf("run %s: %zu VM%s, as planned\n", run_id.c_str(), diff.vms(), diff.vms() == 1 ? "" : "s");
}

Task<int> diff_plan(App& app, const CommandLine& line, DiffOptions options) {
    contract::PlanDiff diff;
    if (!options.plan.empty())
        if (const auto read = read_plan(options.plan, diff); !read) co_return complain(read.error());
    const auto layout = app.layout_of(line.request.config);
    if (!layout) co_return complain(layout.error());
    Comparing reader(diff, options.plan.empty());
    EventFeed events(app.host().executor(), layout->journal_dir(), reader);
    Gate stop(app.host().executor());
    FeedRequest request{options.run.empty() ? "latest" : options.run, {}, false};
    if (const auto fed = co_await events.run(std::move(request), stop); !fed) co_return complain(fed.error());
    if (diff.vms() == 0)
        co_return complain(
            {ErrorCode::not_found, "run " + reader.run_id + " has no bootstrap", "castra events runs lists the runs"});
    show(reader.run_id, diff, line.json);
    if (reader.had_gap) co_return exit_code::gap;
    co_return diff.differences().empty() ? exit_code::succeeded : exit_code::failed;
}

} // namespace

void add_events_diff_plan(Grammar& grammar, CommandWords events) {
    const auto options = Grammar::options<DiffOptions>();
    auto diff = grammar.add(
        "diff-plan", "Hold what a run's bootstraps did against their plan",
        [options](App& app, const CommandLine& line) { return diff_plan(app, line, *options); }, events);
    diff.option("run", options->run, "Its id, the beginning of it, or latest (default)").type_name("RUN");
    diff.option("--plan", options->plan,
                "A plan that was saved: castra up --plan --events ndjson > FILE. Without it the run's own")
        .type_name("FILE");
    grammar.add_file(diff);
    grammar.add_json(diff);
    diff.footer("Exit codes: 0 as planned, 1 it differs, 10 no such run, 11 a part of the run is gone.");
}

} // namespace castra
