// SPDX-License-Identifier: Apache-2.0
// castra watch --web: the page of a project in a browser on this machine, while it happens, until a signal. Opens no
// run; its address is the one line on stdout.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"
#include "operations/exit_code.hpp"
#include "operations/live_page.hpp"

namespace castra {
namespace {

struct WatchOptions {
    bool as_web = false;
    int port = 0; // one that is free
};

Task<int> watch(App& app, const CommandLine& line, WatchOptions options) {
    const auto layout = app.layout_of(line.request.config);
    if (!layout) co_return complain(layout.error());
    const auto executor = app.host().executor();
    auto page = LivePage::open(executor, app.installation().share_dir / "report.html", layout->journal_dir());
    if (!page) co_return complain(page.error());
    auto server = WebServer::listen(executor, options.port);
    if (!server) co_return complain(server.error());
    const auto address = "http://127.0.0.1:" + std::to_string(server->port()) + "/?token=" + page->token();
    print((line.json ? contract::Json{{"url", address}}.dump() : address) + "\n");
    const auto stop = app.cancelled_by_signal();
    const auto served = std::make_shared<LivePage>(std::move(*page)); // handlers of open connections outlive serve()
    WebHandler handler = [served](WebExchange& exchange) { return served->handle(exchange); };
    const auto ended = co_await server->serve(std::move(handler), *stop);
    if (!ended) co_return complain(ended.error());
    co_return exit_code::succeeded;
}

} // namespace

void add_watch(Grammar& grammar) {
    const auto options = Grammar::options<WatchOptions>();
    auto watch =
        grammar.add("watch", "Show the project in a browser on this machine, while it happens",
                    [options](App& app, const CommandLine& line) { return castra::watch(app, line, *options); });
    grammar.add_file(watch);
    grammar.add_json(watch);
    watch.flag("--web", options->as_web, "As a web page on 127.0.0.1; prints its address, serves it until Ctrl-C")
        .required();
    watch.option("--port", options->port, "Default: one that is free").range(0, 65535);
}

} // namespace castra
