// SPDX-License-Identifier: Apache-2.0
// App::perform_remotely: castra as a client of the project's supervisor.
#include "bus/stored_line.hpp"
#include "cli/app.hpp"
#include "cli/missed_events.hpp"
#include "contract/sealer.hpp"
#include "host/peer_process.hpp"
#include "operations/exit_code.hpp"

namespace castra {
namespace {

constexpr const char* cancel_line = "{\"cancel\":\"signal\"}\n";

std::string run_id_of(const std::string& line) {
    const auto event = contract::Json::parse(line, nullptr, false);
    return event.is_object() ? event.value("run_id", "") : std::string();
}

// A signal becomes a request to cancel; the run still ends in order. Shared: it may end a turn after the run.
Task<> forward_cancel(std::shared_ptr<Gate> cancel, std::shared_ptr<Stream> stream) {
    co_await cancel->wait();
    if (!cancel->is_open()) co_return;
    (void)co_await stream->write(cancel_line);
}

constexpr int tries_max = 3;
constexpr Milliseconds farewell_wait{2000};

constexpr Milliseconds patience{5000}, silence_max{60000}; // said then; given up then

// Ends when nobody should wait any longer for a supervisor that says nothing.
Task<Error> silence(Host& host, std::string who, std::shared_ptr<Gate> cancel, Milliseconds longest) {
    const auto* cure = "it is stopped or stuck: ps tells; end it with kill -9, which no VM minds, and try again";
    const auto began_us = host.clock().monotonic_us();
    co_await (host.sleep_for(patience) || cancel->wait());
    const bool is_over = host.clock().monotonic_us() - began_us < patience.count() * 1000; // it has answered, or cancel
    if (!is_over && longest > patience) {
        std::fprintf(stderr, "castra: %s has not answered for %lld s: %s\n", who.c_str(),
                     static_cast<long long>(patience.count() / 1000), cure);
        co_await (host.sleep_for(longest - patience) || cancel->wait());
    }
    if (cancel->is_open()) co_return Error{ErrorCode::cancelled, "interrupted; " + who + " had not answered", cure};
    co_return Error{ErrorCode::timeout, who + " does not answer", cure};
}

// A request that a supervisor has begun to answer.
struct Taken {
    std::shared_ptr<Stream> stream;
    ProcessId supervisor; // 0: nobody can tell
    std::string first_line;
};

// A supervisor that gets ready to end may take a connection and say nothing: then there will soon be another.
Task<Result<Taken>> hand_over(Host& host, SupervisorStart& supervisor, const Layout& layout, const Request& request,
                              std::shared_ptr<Gate> cancel) {
    const auto longest = std::min(silence_max, request.timeout ? *request.timeout + patience : silence_max);
    for (int attempt = 0; attempt < tries_max; ++attempt) {
        CASTRA_CO_TRY(connected, co_await supervisor.connect());
        auto stream = std::make_shared<Stream>(std::move(connected));
        const auto sent = co_await stream->write(to_line(request));
        if (!sent) continue;
        const auto process = peer_process(*stream);
        const auto who =
            "the project's supervisor" + (process ? " (process " + std::to_string(process->pid) + ")" : std::string());
        auto first = co_await (stream->read_line(2 * contract::line_bytes_max) || silence(host, who, cancel, longest));
        if (first.index() == 1) {
            (void)co_await stream->write(cancel_line); // should it wake up after all
            co_return Failure(std::get<1>(first));
        }
        auto& line = std::get<0>(first);
        if (!line || !*line) continue;
        co_return Taken{std::move(stream), process.value_or(ProcessId()), std::move(**line)};
    }
    co_return fail(ErrorCode::io, "the project's supervisor ended before it took the request",
                   "see " + layout.supervisor_log().string());
}

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
    const auto run_id = run_id_of(text);
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
