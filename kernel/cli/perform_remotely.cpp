// SPDX-License-Identifier: Apache-2.0
// App::perform_remotely: castra as a client of the project's supervisor.
#include "bus/stored_line.hpp"
#include "cli/app.hpp"
#include "cli/feed_events.hpp"
#include "cli/hand_over.hpp"
#include "cli/missed_events.hpp"
#include "contract/sealer.hpp"
#include "operations/exit_code.hpp"

namespace castra {
namespace {

// A signal becomes a request to cancel; the run still ends in order. Shared: it may end a turn after the run.
Task<> forward_cancel(std::shared_ptr<Gate> cancel, std::shared_ptr<Stream> stream) {
    co_await cancel->wait();
    if (!cancel->is_open()) co_return;
    (void)co_await stream->write(cancel_line);
}

constexpr Milliseconds farewell_wait{2000};

} // namespace

Task<int> App::perform_remotely(const CommandLine& line, SupervisorStart& supervisor, Layout layout,
                                std::string config_path) {
    auto request = line.request;
    request.config = config_path;
    const auto cancel = cancelled_by_signal();
    auto taken = co_await hand_over(workshop_.host(), supervisor, layout, request, cancel);
    if (!taken) co_return reject(line, "", {taken.error()});
    auto& [stream, supervising, text] = *taken;
    const auto sink = sink_for(line, "");
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
    auto take = [&](const std::string& event) {
        if (!sealer.follow(event))
            std::fprintf(stderr, "castra: the supervisor sent a line that breaks the contract\n");
        pass_on(event);
    };
    const auto run_id = text_in(contract::Json::parse(text, nullptr, false), "run_id");
    while (true) {
        take(text);
        if (sealer.is_sealed()) break;
        auto next = co_await stream->read_line(2 * contract::line_bytes_max);
        if (!next || !*next) break;
        text = std::move(**next);
    }
    if (!sealer.is_sealed())
        co_await tell_missed_events(workshop_.host(), layout, run_id, sealer.seq(), supervising, cancel, take);
    if (!sealer.is_sealed())
        pass_on_each(sealer.seal(workshop_.host().clock().unix_us(), exit_code::aborted,
                                 "aborted: the supervisor ended before the run did; castra status tells what stands"));
    if (sink) (void)sink->finish();
    co_await (stream->read_some() || workshop_.host().sleep_for(farewell_wait)); // see Supervisor::serve_client
    co_return sealer.exit_code();
}

} // namespace castra
