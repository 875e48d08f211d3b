// SPDX-License-Identifier: Apache-2.0
// App::perform_remotely: castra as a client of the project's supervisor.
#include "bus/stored_line.hpp"
#include "cli/app.hpp"
#include "contract/sealer.hpp"
#include "operations/exit_code.hpp"

namespace castra {
namespace {

// A signal becomes a request to cancel; the run still ends in order. Shared: it may end a turn after the run.
Task<> forward_cancel(std::shared_ptr<Gate> cancel, std::shared_ptr<Stream> stream) {
    co_await cancel->wait();
    if (!cancel->is_open()) co_return;
    (void)co_await stream->write("{\"cancel\":\"signal\"}\n");
}

constexpr int tries_max = 3;
constexpr Milliseconds farewell_wait{2000};

// A supervisor that gets ready to end may take a connection and say nothing: then there will soon be another.
Task<Result<std::shared_ptr<Stream>>> hand_over(SupervisorStart& supervisor, const Layout& layout,
                                                const Request& request, std::string& first_line) {
    for (int attempt = 0; attempt < tries_max; ++attempt) {
        CASTRA_CO_TRY(connected, co_await supervisor.connect());
        auto stream = std::make_shared<Stream>(std::move(connected));
        const auto sent = co_await stream->write(to_line(request));
        if (!sent) continue;
        auto line = co_await stream->read_line(2 * contract::line_bytes_max);
        if (!line || !*line) continue;
        first_line = std::move(**line);
        co_return stream;
    }
    co_return fail(ErrorCode::io, "the project's supervisor ended before it took the request",
                   "see " + layout.supervisor_log().string());
}

} // namespace

Task<int> App::perform_remotely(const CommandLine& line, SupervisorStart& supervisor, Layout layout,
                                std::string config_path) {
    auto request = line.request;
    request.config = config_path;
    std::string text;
    const auto connected = co_await hand_over(supervisor, layout, request, text);
    if (!connected) co_return reject(line, "", {connected.error()});
    const auto stream = *connected;
    const auto sink = sink_for(line, "");
    const auto cancel = cancelled_by_signal();
    asio::co_spawn(workshop_.host().executor(), forward_cancel(cancel, stream), asio::detached);
    contract::Sealer sealer;
    bool can_write = sink != nullptr;
    auto pass_on = [&](const std::string& event) {
        if (!can_write) return;
        const auto told = sink->deliver(stored_line(event));
        if (told) return;
        can_write = false; // nobody reads any more; the work goes on
        std::fprintf(stderr, "castra: %s\n", told.error().text.c_str());
    };
    auto pass_on_each = [&](const std::string& lines) {
        for (std::size_t at = 0; at < lines.size(); at = lines.find('\n', at) + 1)
            pass_on(lines.substr(at, lines.find('\n', at) - at));
    };
    while (true) {
        if (!sealer.follow(text)) std::fprintf(stderr, "castra: the supervisor sent a line that breaks the contract\n");
        pass_on(text);
        if (sealer.is_sealed()) break;
        auto next = co_await stream->read_line(2 * contract::line_bytes_max);
        if (!next || !*next) break;
        text = std::move(**next);
    }
    if (!sealer.is_sealed())
        pass_on_each(sealer.seal(workshop_.host().clock().unix_us(), exit_code::aborted,
                                 "aborted: the supervisor ended before the run did; castra status tells what stands"));
    if (sink) (void)sink->finish();
    co_await (stream->read_some() || workshop_.host().sleep_for(farewell_wait)); // see Supervisor::serve_client
    co_return sealer.exit_code();
}

} // namespace castra
