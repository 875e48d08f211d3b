// SPDX-License-Identifier: Apache-2.0
// The server of the broker with nothing around it; the arguments are those of castra broker.
#include "broker/server.hpp"
#include "host/host.hpp"

#include <cstdlib>
#include <unistd.h>

int main(int argc, char** argv) {
    using namespace castra;
    broker::ServerWishes wishes;
    for (int i = 1; i + 1 < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--control-fd") wishes.control = UniqueFd(std::atoi(argv[i + 1]));
        if (name == "--host-fd") wishes.host_socket = UniqueFd(std::atoi(argv[i + 1]));
        if (name == "--notify-fd") wishes.notify = UniqueFd(std::atoi(argv[i + 1]));
        if (name == "--port") wishes.port = static_cast<std::uint16_t>(std::atoi(argv[i + 1]));
        if (name == "--state-dir") wishes.state_dir = argv[i + 1];
    }
    wishes.user = ::geteuid();
    prepare_server_process();
    SystemClock clock;
    asio::io_context loop(1);
    broker::Server server(loop.get_executor(), clock, std::move(wishes), [&loop] { loop.stop(); });
    loop.run();
}
