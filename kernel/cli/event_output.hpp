// SPDX-License-Identifier: Apache-2.0
// Where `castra events` and `castra replay` put what the feed finds: events on stdout in one format, and nothing else
// there; gaps on stderr, for programs as one line {"gap":{...}}.
// Backpressure: takes the next batch when the last one was written. Thread: the kernel's.
#pragma once
#include "bus/sink.hpp"
#include "operations/event_feed.hpp"
#include "operations/event_filter.hpp"

#include <functional>

namespace castra {

class EventOutput : public FeedReader {
public:
    Result<> take(const std::string& run_id, const std::vector<FeedEvent>& events) override;
    void gap(const FeedGap& gap) override;
    // After the last event.
    virtual Result<> finish() { return {}; }

    EventFilter filter;
    bool gaps_as_json = false;
    bool had_gap() const { return had_gap_; }
    bool reader_is_gone() const { return reader_is_gone_; } // nobody reads stdout any more: an end like any other

protected:
    virtual Result<> show(const std::string& run_id, const std::vector<const FeedEvent*>& events) = 0;
    Result<> print(std::string_view text);

private:
    bool had_gap_ = false, reader_is_gone_ = false;
};

// One line for each event, made from its line: the journal's own, or a projection. Nothing: the event is left out.
using LineMaker = std::function<std::optional<std::string>(const std::string& line)>;
std::unique_ptr<EventOutput> make_line_output(LineMaker make_line);

// A reporter for each run, told the journal's bytes through the border that live events take.
using OpenReporter =
    std::function<Result<std::unique_ptr<Sink>>(const std::string& run_id, const contract::Json& first_event)>;
std::unique_ptr<EventOutput> make_reporter_output(OpenReporter open);

} // namespace castra
