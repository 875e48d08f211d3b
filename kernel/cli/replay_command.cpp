// SPDX-License-Identifier: Apache-2.0
// castra replay: a run of the past, told to a reporter plugin through the border that live events take.
#include "cli/commands.hpp"
#include "cli/feed_events.hpp"
#include "cli/grammar.hpp"

namespace castra {
namespace {

struct ReplayOptions {
    std::string run, reporter, config;
};

Task<int> replay(App& app, const CommandLine& line, ReplayOptions options) {
    auto config = contract::Json::parse(options.config.empty() ? "{}" : options.config, nullptr, false);
    if (!config.is_object())
        co_return complain({ErrorCode::usage, "--reporter-config is no JSON object", "such as '{\"fd\":1}'"});
    const auto layout = app.layout_of(line.request.config);
    if (!layout) co_return complain(layout.error());
    auto project = load_project(app.installation(), line.request.config);
    const auto output = make_reporter_output([&](const std::string& run_id, const contract::Json& first) {
        Output out(app.workshop(), EventFormat::console, line);
        return out.make_reporter(options.reporter, nlohmann::json::parse(config.dump()),
                                 project ? &project->config : nullptr, run_id, text_in(first, "operation"),
                                 text_in(first, "project"));
    });
    FeedRequest request{options.run, {}, false};
    const int code = co_await feed_events(app, *layout, std::move(request), *output);
    co_return code;
}

} // namespace

void add_replay(Grammar& grammar) {
    const auto options = Grammar::options<ReplayOptions>();
    auto replay =
        grammar.add("replay", "Tell a reporter plugin a run again, from its journal",
                    [options](App& app, const CommandLine& line) { return castra::replay(app, line, *options); });
    grammar.add_file(replay);
    grammar.add_look(replay);
    replay.option("run", options->run, "Its id, the beginning of it, or latest").required().type_name("RUN");
    replay.option("--reporter", options->reporter, "As in [[reporters]], or a path such as ./mine.so")
        .required()
        .type_name("NAME");
    replay.option("--reporter-config", options->config, "Over what castra.toml says of it").type_name("JSON");
}

} // namespace castra
