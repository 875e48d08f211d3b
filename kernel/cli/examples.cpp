// SPDX-License-Identifier: Apache-2.0
#include "cli/examples.hpp"

#include "cli/grammar.hpp"

#include <CLI/CLI.hpp>
#include <sstream>

namespace castra {
namespace {

struct Example {
    const char* command; // "plugin list"
    const char* lines;
};

constexpr Example all_examples[] = {
    {"down", "  castra down\n  castra down web-0"},
    {"status", "  castra status\n  castra status --json"},
    {"image build", "  castra image build tiny"},
    {"contract schema", "  castra contract schema > event.schema.json\n  castra contract schema --closed"},
    {"contract docs", "  castra contract docs > EVENTS.md"},
    {"contract samples", "  castra contract samples"},
    {"contract fields", "  castra contract fields"},
    {"contract typescript", "  castra contract typescript > castra.d.ts"},
    {"contract snapshot", "  castra contract snapshot > snapshot.json"},
    {"contract diff", "  castra contract diff old.json --json"},
    {"events runs", "  castra events runs\n  castra events runs --json"},
    {"events verify", "  castra events verify run.ndjson"},
    {"events diff-plan",
     "  castra up --plan --events ndjson > plan.ndjson\n  castra up\n  castra events diff-plan --plan plan.ndjson"},
    {"replay", "  castra replay latest --reporter ndjson"},
    {"report", "  castra report\n  castra report latest -o run.html"},
    {"bus publish", "  castra bus publish news '{\"build\":7}'\n  castra bus publish news '\"stop\"' --to vm:web-0"},
    {"bus tail", "  castra bus tail 'durable/vm/web-0/*' --json\n  castra bus tail durable/news --cursor me"},
    {"bus topics", "  castra bus topics"},
    {"watch", "  castra watch --web\n  castra watch --web --port 8080"},
    {"plugin list", "  castra plugin list --json"},
    {"plugin inspect", "  castra plugin inspect qemu"},
    {"plugin validate", "  castra plugin validate build/lib/castra/plugins/reporter-mine.so --level 4"},
    {"plugin new", "  castra plugin new --kind reporter mine --in ~/src"},
};

} // namespace

void add_examples(Grammar& grammar) {
    for (const auto& example : all_examples) {
        auto* command = &grammar.app();
        std::istringstream words(example.command);
        for (std::string word; command && words >> word;) {
            const auto known = command->get_subcommands([&](const CLI::App* one) { return one->get_name() == word; });
            command = known.empty() ? nullptr : known.front();
        }
        if (!command) continue; // not in this grammar
        auto footer = command->get_footer();
        if (footer == grammar.app().get_footer()) footer.clear(); // CLI11 hands castra's own down
        while (!footer.empty() && footer.back() == '\n')
            footer.pop_back();
        if (footer.find("Examples:") == std::string::npos) command->footer(footer + "\nExamples:\n" + example.lines);
    }
}

} // namespace castra
