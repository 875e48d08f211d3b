// SPDX-License-Identifier: Apache-2.0
// castra broker: the process that castra starts by the plan of a broker launcher. Its descriptors come from there.
#include "broker/server.hpp"
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"
#include "operations/exit_code.hpp"

#include <cstdio>
#include <fcntl.h>

namespace castra {

namespace {

struct BrokerOptions {
    int control_fd = -1, host_fd = -1, notify_fd = -1;
    std::string state_dir;
    std::uint16_t port = 0;
};

Task<int> serve(App& app, BrokerOptions request) {
    for (const int fd : {request.control_fd, request.host_fd})
        if (::fcntl(fd, F_GETFD) < 0) {
            std::fprintf(stderr, "castra: castra broker is started by castra up, which gives it its sockets\n");
            co_return exit_code::usage;
        }
    prepare_server_process();
    auto& host = app.host();
    Gate end(host.executor());
    broker::ServerWishes wishes;
    wishes.control = UniqueFd(request.control_fd);
    wishes.host_socket = UniqueFd(request.host_fd);
    wishes.notify = UniqueFd(request.notify_fd);
    wishes.port = request.port;
    wishes.state_dir = request.state_dir;
    wishes.user = app.installation().environment.user;
    broker::Server server(host.executor(), host.clock(), std::move(wishes), [&end] { end.open(); });
    // Signals of a terminal are not meant for it: it ends when castra has gone.
    const auto signals = [](Signals& from) -> Task<> {
        while (true) {
            const int number = co_await from.next();
            if (number == SIGTERM || number == 0) co_return;
        }
    };
    co_await (end.wait() || signals(app.signals()));
    co_return exit_code::succeeded;
}

} // namespace

void add_broker(Grammar& grammar) {
    const auto options = Grammar::options<BrokerOptions>();
    auto broker = grammar.add("broker", "", [options](App& app, const CommandLine&) { return serve(app, *options); });
    broker.hide(); // started by castra itself
    broker.option("--control-fd", options->control_fd).required();
    broker.option("--host-fd", options->host_fd).required();
    broker.option("--notify-fd", options->notify_fd);
    broker.option("--state-dir", options->state_dir).required();
    broker.option("--port", options->port);
}

} // namespace castra
