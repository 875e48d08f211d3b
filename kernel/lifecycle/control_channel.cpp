// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/control_channel.hpp"

#include <algorithm>

namespace castra {
namespace {

Task<Result<std::string>> hold(Host& host, std::filesystem::path socket, std::vector<sdk::Exchange> exchanges) {
    CASTRA_CO_TRY(stream, co_await host.connect_unix(socket));
    std::string last;
    for (const auto& exchange : exchanges) {
        if (!exchange.send.empty()) CASTRA_CO_CHECK(co_await stream.write(exchange.send + "\n"));
        while (true) {
            CASTRA_CO_TRY(line, co_await stream.read_line(control_line_bytes_max));
            if (!line) co_return fail(ErrorCode::protocol, "control socket closed before it answered");
            if (line->find(exchange.expect) != std::string::npos) {
                last = std::move(*line);
                break;
            }
            if (line->find("\"error\"") != std::string::npos)
                co_return fail(ErrorCode::protocol, "control socket answered " + *line);
        }
    }
    co_return last;
}

} // namespace

Task<Result<std::string>> ask(Host& host, std::filesystem::path socket, std::vector<sdk::Exchange> exchanges,
                              Milliseconds deadline) {
    auto first = co_await (hold(host, socket, std::move(exchanges)) || host.sleep_for(deadline));
    if (first.index() == 0) co_return std::get<0>(std::move(first));
    co_return fail(ErrorCode::timeout, "control socket " + socket.string() + ": no answer within " +
                                           std::to_string(deadline.count()) + " ms");
}

Task<Result<std::string>> ask_planned(Host& host, const sdk::LaunchPlan& plan, std::string name,
                                      std::vector<sdk::Exchange> exchanges, Milliseconds deadline) {
    const auto socket = std::ranges::find(plan.sockets, name, &sdk::SocketPlan::name);
    if (socket == plan.sockets.end())
        co_return fail(ErrorCode::protocol, "the control socket " + name + " is not planned");
    auto answer = co_await ask(host, socket->path, std::move(exchanges), deadline);
    co_return answer;
}

Task<Result<>> converse(Host& host, std::filesystem::path socket, std::vector<sdk::Exchange> exchanges,
                        Milliseconds deadline) {
    const auto answer = co_await ask(host, std::move(socket), std::move(exchanges), deadline);
    if (!answer) co_return Failure(answer.error());
    co_return Result<>();
}

} // namespace castra
