// SPDX-License-Identifier: Apache-2.0
#include "bus/event_bus.hpp"

namespace castra {

using contract::Draft;
using contract::Json;
using contract::Severity;

namespace {

constexpr std::size_t offending_bytes_max = 4096;

std::int64_t& count_of(contract::Counts& counts, Severity severity) {
    switch (severity) {
    case Severity::progress:
        return counts.progress_events;
    case Severity::info:
        return counts.info_events;
    case Severity::warn:
        return counts.warn_events;
    case Severity::error:
        return counts.error_events;
    case Severity::blocker:
        return counts.blocker_events;
    }
    return counts.info_events;
}

// What a crash of the machine must not take back.
bool must_be_durable(const Draft& draft) {
    return draft.family == contract::Family::command || draft.family == contract::Family::cleanup ||
           draft.family == contract::Family::summary || draft.type == "vm.overlay_discarded" ||
           draft.severity >= Severity::warn;
}

} // namespace

EventBus::EventBus(RunIdentity run, Clock& clock, std::unique_ptr<Journal> journal, std::unique_ptr<Journal> quarantine,
                   ContractMode mode)
    : run_(std::move(run)), clock_(clock), journal_(std::move(journal)), quarantine_(std::move(quarantine)),
      mode_(mode), began_us_(clock.monotonic_us()) {}

void EventBus::add_sink(std::unique_ptr<Sink> sink, SinkLimits limits) {
    sinks_.push_back({std::make_unique<SinkQueue>(std::move(sink), limits)});
}

contract::Stamp EventBus::next_stamp() const {
    return {run_.run_id, run_.operation, run_.project, seq_ + 1, clock_.unix_us(), clock_.monotonic_us() - began_us_};
}

std::int64_t EventBus::publish(Draft draft) {
    admit_and_write(draft);
    report_detached_sinks();
    return seq_;
}

bool EventBus::admit_and_write(const Draft& draft) {
    auto event = contract::encode(draft, next_stamp());
    if (const auto bad = monitor_.admit(event)) {
        refuse(draft, event, *bad);
        return false;
    }
    write(event, draft);
    return true;
}

void EventBus::refuse(const Draft& draft, const Json& event, const contract::Violation& violation) {
    ++violations_;
    const auto whole = event.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (quarantine_) (void)quarantine_->append(whole + "\n", false);
    contract::Message notice;
    notice.code = "contract_violation";
    notice.rule = std::to_string(violation.rule);
    notice.text =
        "event " + draft.type + " from " + draft.source + " broke rule " + *notice.rule + ": " + violation.text;
    notice.text = contract::clean_text(notice.text, 1024, true);
    notice.offending =
        contract::clean_text(std::string_view(whole).substr(0, offending_bytes_max), offending_bytes_max, true);
    notice.offending_seq = violation.clashes_with;
    notice.offender = contract::clean_text(draft.source, 256, true);
    auto replacement = contract::draft(notice, notice.text)
                           .at(mode_ == ContractMode::strict ? Severity::error : Severity::warn)
                           .cure("this is a bug in " + *notice.offender + "; the run goes on without the event");
    auto replaced = contract::encode(replacement, next_stamp());
    // Before command.accepted or after summary nothing may be said at all; the quarantine has it.
    if (monitor_.admit(replaced)) return;
    write(replaced, replacement);
}

void EventBus::write(Json& event, const Draft& draft) {
    ++seq_;
    ++count_of(counts_, draft.severity);
    if (draft.severity >= Severity::error && !first_error_seq_) first_error_seq_ = seq_;
    auto encoded = std::make_shared<EncodedEvent>();
    encoded->line = contract::to_line(event);
    encoded->type = draft.type;
    encoded->severity = contract::text_of(draft.severity);
    encoded->vm = draft.vm.value_or("");
    encoded->seq = seq_;
    encoded->may_coalesce = draft.severity == Severity::progress;
    encoded->coalesce_key = encoded->type + "/" + encoded->vm;
    if (const auto written = journal_->append(encoded->line, must_be_durable(draft)); !written && !journal_failed_) {
        journal_failed_ = true;
        journal_ = make_null_journal();
        for (auto& sink : sinks_)
            sink.queue->push(encoded);
        (void)admit_and_write(contract::message(Severity::error, written.error().text, "journal_failed")
                                  .cure("free space on the disk that holds castra's state, then run castra down"));
        return;
    }
    for (auto& sink : sinks_)
        sink.queue->push(encoded);
}

void EventBus::report_detached_sinks() {
    if (reporting_ || monitor_.is_sealed()) return;
    reporting_ = true;
    for (auto& sink : sinks_) {
        const auto status = sink.queue->status();
        if (!status.detached || sink.reported) continue;
        sink.reported = true;
        (void)admit_and_write(
            contract::message(
                Severity::warn,
                contract::clean_text("reporter " + status.name + " was detached: " + status.why, 1024, true),
                "sink_detached")
                .cure("the journal has every event; the run is not affected"));
    }
    reporting_ = false;
}

void EventBus::conclude(contract::Summary summary, std::optional<contract::ErrorField> error, std::string message) {
    report_detached_sinks();
    const bool failed = summary.outcome == contract::Outcome::failed;
    const auto severity = failed                                            ? Severity::error
                          : summary.outcome == contract::Outcome::succeeded ? Severity::info
                                                                            : Severity::warn;
    summary.events_emitted = seq_ + 1;
    summary.counts = counts_;
    ++count_of(summary.counts, severity);
    summary.first_error_seq = first_error_seq_;
    if (failed && !first_error_seq_) summary.first_error_seq = seq_ + 1;
    for (const auto& sink : sinks_) {
        const auto status = sink.queue->status();
        summary.sinks.push_back({status.name, status.delivered, status.coalesced, status.detached});
        summary.coalesced += status.coalesced;
    }
    auto event = contract::draft(summary, std::move(message)).at(severity).took(elapsed_ms());
    event.last = true;
    event.error = std::move(error);
    admit_and_write(event);
    for (auto& sink : sinks_)
        sink.queue->close();
}

std::int64_t EventBus::failures() const {
    return counts_.error_events + counts_.blocker_events;
}

std::int64_t EventBus::elapsed_ms() const {
    return (clock_.monotonic_us() - began_us_) / 1000;
}

} // namespace castra
