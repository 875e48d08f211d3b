// SPDX-License-Identifier: Apache-2.0
#include "cli/missed_events.hpp"

#include "operations/event_feed.hpp"

namespace castra {
namespace {

class Teller final : public FeedReader {
public:
    Teller(std::function<void(const std::string&)> tell, EventCursor since)
        : tell_(std::move(tell)), told_(std::move(since)) {}
    const EventCursor& told() const { return told_; }
    Result<> take(const std::string&, const std::vector<FeedEvent>& events) override {
        for (const auto& event : events) {
            tell_(event.line.substr(0, event.line.find('\n')));
            told_.seq = event.event.value("seq", told_.seq);
        }
        return {};
    }
    void gap(const FeedGap&) override {} // the contract's own count shows it

private:
    std::function<void(const std::string&)> tell_;
    EventCursor told_;
};

Task<> open_at_the_end_of(std::unique_ptr<Process> process, std::shared_ptr<Gate> stop) {
    (void)co_await process->wait();
    stop->open();
}

Task<> open_after(std::shared_ptr<Gate> first, std::shared_ptr<Gate> stop) {
    co_await first->wait();
    if (first->is_open()) stop->open();
}

} // namespace

Task<> tell_missed_events(Host& host, Layout layout, std::string run_id, std::int64_t seq, ProcessId supervisor,
                          std::shared_ptr<Gate> cancel, std::function<void(const std::string&)> tell) {
    const auto stop = std::make_shared<Gate>(host.executor());
    asio::co_spawn(host.executor(), open_after(std::move(cancel), stop), asio::detached);
    Teller teller(std::move(tell), {run_id, seq});
    // While it lives, and once more: it may have written its last when nobody looked. What cannot be read is not told.
    for (auto process = host.observe(supervisor);; process = fail(ErrorCode::not_found, "it has ended")) {
        FeedRequest request;
        request.run = run_id;
        request.since = teller.told();
        request.follow = process.has_value();
        if (process) asio::co_spawn(host.executor(), open_at_the_end_of(std::move(*process), stop), asio::detached);
        EventFeed feed(host.executor(), layout.journal_dir(), teller);
        const auto is_last = !request.follow;
        Gate never(host.executor());
        (void)co_await feed.run(std::move(request), is_last ? never : *stop);
        if (is_last) co_return;
    }
}

} // namespace castra
