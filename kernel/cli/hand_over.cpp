// SPDX-License-Identifier: Apache-2.0
#include "cli/hand_over.hpp"

#include "contract/encode.hpp"
#include "host/peer_process.hpp"

#include <algorithm>
#include <cstdio>

namespace castra {
namespace {

constexpr int tries_max = 3;
constexpr Milliseconds patience{5000}, silence_max{60000}; // said then; given up then
constexpr Milliseconds cancel_wait{2000};                  // one that is at work says within this that it was cancelled

// Ends when nobody should wait any longer for a supervisor that says nothing.
Task<Error> silence(Host& host, std::string who, std::shared_ptr<Stream> stream, std::shared_ptr<Gate> cancel,
                    Milliseconds longest) {
    const auto* cure = "it is stopped or stuck: ps tells; end it with kill -9, which no VM minds, and try again";
    const auto began_us = host.clock().monotonic_us();
    co_await (host.sleep_for(patience) || cancel->wait());
    const bool is_over = host.clock().monotonic_us() - began_us < patience.count() * 1000; // it has answered, or cancel
    if (!is_over && longest > patience) {
        std::fprintf(stderr, "castra: %s has not answered for %lld s: %s\n", who.c_str(),
                     static_cast<long long>(patience.count() / 1000), cure);
        co_await (host.sleep_for(longest - patience) || cancel->wait());
    }
    const bool is_cancelled = cancel->is_open();
    (void)co_await stream->write(cancel_line);
    if (!is_cancelled) co_return Error{ErrorCode::timeout, who + " does not answer", cure};
    co_await host.sleep_for(cancel_wait);
    co_return Error{ErrorCode::cancelled, "interrupted; " + who + " does not answer", cure};
}

} // namespace

// A supervisor that gets ready to end may take a connection and say nothing: then there will soon be another.
Task<Result<Taken>> hand_over(Host& host, SupervisorStart& supervisor, Layout layout, Request request,
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
        auto first =
            co_await (stream->read_line(2 * contract::line_bytes_max) || silence(host, who, stream, cancel, longest));
        if (first.index() == 1) co_return Failure(std::get<1>(first));
        auto& line = std::get<0>(first);
        if (!line || !*line) continue;
        co_return Taken{std::move(stream), process.value_or(ProcessId()), std::move(**line)};
    }
    co_return fail(ErrorCode::io, "the project's supervisor ended before it took the request",
                   "see " + layout.supervisor_log().string());
}

} // namespace castra
