// SPDX-License-Identifier: Apache-2.0
// What `castra watch --web` serves: the page of a run at /, and the events of the project at /events as server-sent
// events, from the latest run on or from behind the cursor in Last-Event-ID (or ?after=). Works without the supervisor
// and writes nothing. Both want ?token=, which only who started it knows.
// Backpressure: a client is told the next events when it has taken those before; one that takes nothing is let go and
// goes on from its cursor when it comes back. Thread: the kernel's. Owner: outlives the server's handlers.
#pragma once
#include "host/web_server.hpp"
#include "operations/event_feed.hpp"

#include <filesystem>

namespace castra {

class LivePage {
public:
    // Errors: io (the page is not installed, no random numbers).
    static Result<LivePage> open(Executor executor, const std::filesystem::path& page_file,
                                 std::filesystem::path journal_dir);

    const std::string& token() const { return token_; }
    Task<> handle(WebExchange& exchange);

private:
    Task<> stream(WebExchange& exchange);
    Task<> feed(WebExchange& exchange, FeedRequest request);
    std::string page() const;

    Executor executor_;
    std::string template_, token_;
    std::filesystem::path journal_dir_;
};

} // namespace castra
