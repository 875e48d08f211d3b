// SPDX-License-Identifier: Apache-2.0
#include "cli/event_output.hpp"

#include <cstdio>
#include <unistd.h>

namespace castra {
namespace {

// Also of an event that a strict decoder would not take: the reporter sees what there is.
void add(EncodedBatch& batch, const FeedEvent& stored) {
    const auto text = [&](const char* key) {
        const auto found = stored.event.find(key);
        return found != stored.event.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const auto type = text("type");
    const auto vm = text("vm");
    EncodedEvent event;
    event.line = stored.line;
    event.type = type;
    event.vm = vm;
    if (const auto severity = severity_of(text("severity"))) event.severity = contract::text_of(*severity);
    event.seq = stored.event["seq"].get<std::int64_t>();
    batch.add(event);
}

class LineOutput final : public EventOutput {
public:
    explicit LineOutput(LineMaker make_line) : make_line_(std::move(make_line)) {}

private:
    Result<> show(const std::string&, const std::vector<const FeedEvent*>& events) override {
        std::string text;
        for (const auto* event : events) {
            auto line = make_line_(event->line);
            if (!line) continue;
            text += *line;
            if (!text.ends_with('\n')) text += '\n';
        }
        return print(text);
    }
    LineMaker make_line_;
};

class ReporterOutput final : public EventOutput {
public:
    explicit ReporterOutput(OpenReporter open) : open_(std::move(open)) {}

    Result<> finish() override {
        if (!sink_) return {};
        const auto sink = std::move(sink_);
        return sink->finish();
    }

private:
    Result<> show(const std::string& run_id, const std::vector<const FeedEvent*>& events) override {
        if (run_id != run_id_) {
            CASTRA_CHECK(finish());
            CASTRA_TRY(opened, open_(run_id, events.front()->event));
            sink_ = std::move(opened);
            run_id_ = run_id;
        }
        const auto batch = std::make_shared<EncodedBatch>();
        for (const auto* event : events)
            add(*batch, *event);
        return sink_->deliver(EncodedEvents(batch));
    }
    OpenReporter open_;
    std::unique_ptr<Sink> sink_;
    std::string run_id_;
};

} // namespace

Result<> EventOutput::take(const std::string& run_id, const std::vector<FeedEvent>& events) {
    std::vector<const FeedEvent*> wanted;
    for (const auto& event : events)
        if (filter.admits(event.event)) wanted.push_back(&event);
    if (wanted.empty()) return {};
    return show(run_id, wanted);
}

void EventOutput::gap(const FeedGap& gap) {
    had_gap_ = true;
    const auto text = gaps_as_json ? to_json(gap).dump(-1, ' ', false, contract::Json::error_handler_t::replace)
                                   : "castra: gap: " + gap.detail;
    std::fprintf(stderr, "%s\n", text.c_str());
}

Result<> EventOutput::print(std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            reader_is_gone_ = errno == EPIPE;
            return fail_errno("write to stdout");
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

std::unique_ptr<EventOutput> make_line_output(LineMaker make_line) {
    return std::make_unique<LineOutput>(std::move(make_line));
}

std::unique_ptr<EventOutput> make_reporter_output(OpenReporter open) {
    return std::make_unique<ReporterOutput>(std::move(open));
}

} // namespace castra
