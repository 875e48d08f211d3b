// SPDX-License-Identifier: Apache-2.0
#include "bus/event_bus.hpp"

#include "contract/text.hpp"

#include <algorithm>

namespace castra {

using contract::Event;
using contract::Severity;

namespace {

constexpr std::size_t offending_bytes_max = 4096;

bool announces_destruction(const Event& event) {
    return event.envelope.family == contract::Family::cleanup || event.is<contract::VmOverlayDiscarded>();
}

// What a crash of the machine must not take back.
bool must_be_durable(const Event& event) {
    const auto family = event.envelope.family;
    return family == contract::Family::command || family == contract::Family::summary ||
           event.envelope.severity >= Severity::warn || announces_destruction(event);
}

} // namespace

EventBus::EventBus(RunIdentity run, Clock& clock, RunJournals journals, ContractTerms terms)
    : run_(std::move(run)), lent_(run_), clock_(clock), quarantine_(std::move(journals.quarantine)),
      uncut_(std::move(journals.uncut)), uncut_path_(std::move(journals.uncut_path)), terms_(terms),
      writer_(journals.main ? std::move(journals.main) : make_null_journal()), began_us_(clock.monotonic_us()) {}

void EventBus::add_sink(std::unique_ptr<Sink> sink, SinkLimits limits) {
    writer_.add_sink(std::move(sink), limits);
}

Result<> EventBus::hide(const Secret& secret) {
    const std::scoped_lock lock(mutex_);
    return secrets_.add(secret);
}

std::int64_t EventBus::publish(contract::Draft draft) {
    const bool wait = announces_destruction(draft);
    std::int64_t seq = 0;
    {
        const std::scoped_lock lock(mutex_);
        admit_and_write(std::move(draft));
        seq = monitor_.seq();
        if (writer_.troubles() != troubles_seen_) report_troubles();
        if (terms_.grease != contract::Grease::none) add_grease();
    }
    if (wait) writer_.wait();
    return seq;
}

void EventBus::stamp(contract::Envelope& envelope) {
    lend(envelope);
    envelope.seq = monitor_.seq() + 1;
    contract::put_utc_text(clock_.unix_us(), envelope.time);
    envelope.elapsed_us = clock_.monotonic_us() - began_us_;
    if (envelope.source.empty()) envelope.source = "kernel";
}

// The texts that all events of a run share change hands for the time of one event: an event costs no allocation. Called
// again, it takes them back.
void EventBus::lend(contract::Envelope& envelope) {
    envelope.run_id.swap(lent_.run_id);
    envelope.operation.swap(lent_.operation);
    envelope.project.swap(lent_.project);
    envelope.time.swap(time_);
}

bool EventBus::admit_and_write(Event&& event) {
    stamp(event.envelope);
    const auto bad = write(event);
    lend(event.envelope);
    if (bad) refuse(event, line_, *bad);
    return !bad;
}

contract::Check EventBus::write(Event& event) {
    if (!secrets_.is_empty()) secrets_.mask(event);
    std::string whole;
    if (auto bad = contract::encode(event, line_, &whole, terms_.grease)) return bad;
    if (secrets_.reveals(line_)) return contract::violation(19, "a secret shows in a field that names something");
    if (auto bad = monitor_.admit(event)) return bad;
    if (!whole.empty()) keep_whole(event, line_, whole);
    const auto& envelope = event.envelope;
    ++counts_.of(envelope.severity);
    if (envelope.severity >= Severity::error && !first_error_seq_) first_error_seq_ = envelope.seq;
    EncodedEvent encoded;
    encoded.line = line_;
    encoded.type = envelope.type;
    encoded.severity = contract::text_of(envelope.severity);
    if (envelope.vm) encoded.vm = *envelope.vm;
    encoded.seq = envelope.seq;
    encoded.may_coalesce = envelope.severity == Severity::progress;
    writer_.put(encoded, must_be_durable(event));
    return {};
}

// As a plugin of that name would: no rule bends for it. Never the second event: nothing follows command.rejected.
void EventBus::add_grease() {
    const auto seq = monitor_.seq();
    if (seq % ContractTerms::grease_interval != 2 || monitor_.is_sealed()) return;
    contract::Draft event;
    event.envelope.type = "x.grease.n" + std::to_string(seq);
    event.envelope.source = "plugin:grease";
    event.envelope.message = "nothing happened: a reader passes over types that it does not know";
    event.envelope.ext = contract::Json{{"n", seq}};
    event.body = contract::Extension();
    admit_and_write(std::move(event));
}

void EventBus::keep_whole(Event& event, std::string& line, const std::string& whole) {
    if (!uncut_ || !uncut_->append(whole, false)) return;
    event.envelope.data_ref = uncut_path_;
    (void)contract::encode(event, line, nullptr, terms_.grease);
}

void EventBus::refuse(const Event& event, std::string_view line, const contract::Violation& violation) {
    ++violations_;
    const auto whole = secrets_.masked(line);
    if (quarantine_) (void)quarantine_->append(whole, false);
    contract::Message notice;
    notice.code = "contract_violation";
    notice.rule = std::to_string(violation.rule);
    notice.text = "event " + event.envelope.type + " from " + event.envelope.source + " broke rule " + *notice.rule +
                  ": " + violation.text;
    notice.text = contract::clean_text(notice.text, 1024, true);
    notice.offending =
        contract::clean_text(std::string_view(whole).substr(0, offending_bytes_max), offending_bytes_max, true);
    notice.offending_seq = violation.clashes_with;
    notice.offender = contract::clean_text(event.envelope.source, 256, true);
    const auto text = notice.text;
    const auto offender = *notice.offender;
    auto replacement = contract::draft(std::move(notice), text)
                           .at(terms_.mode == ContractMode::strict ? Severity::error : Severity::warn)
                           .cure("this is a bug in " + offender + "; the run goes on without the event");
    stamp(replacement.envelope);
    // Before command.accepted or after summary nothing may be said at all; the quarantine has it.
    (void)write(replacement);
    lend(replacement.envelope);
}

void EventBus::report_troubles() {
    troubles_seen_ = writer_.troubles();
    if (monitor_.is_sealed()) return;
    if (const auto failed = writer_.failure(); failed && !journal_reported_) {
        journal_reported_ = true;
        admit_and_write(
            contract::message(Severity::error, contract::clean_text(failed->text, 1024, true), "journal_failed")
                .cure("free space on the disk that holds castra's state, then run the command again"));
    }
    for (const auto& status : writer_.sinks()) {
        if (!status.detached || std::ranges::find(detached_reported_, status.name) != detached_reported_.end())
            continue;
        detached_reported_.push_back(status.name);
        admit_and_write(contract::message(Severity::warn,
                                          contract::clean_text(
                                              "reporter " + status.name + " was detached: " + status.why, 1024, true),
                                          "sink_detached")
                            .cure("the journal has every event; the run is not affected"));
    }
}

Event EventBus::summary_event(contract::Summary summary, std::optional<contract::ErrorField> error,
                              std::string message) {
    const bool failed = summary.outcome == contract::Outcome::failed;
    const auto severity = failed                                            ? Severity::error
                          : summary.outcome == contract::Outcome::succeeded ? Severity::info
                                                                            : Severity::warn;
    for (auto& owed : monitor_.owed(summary, "the run ended before it was concluded"))
        summary.vms.push_back(std::move(owed));
    summary.events_emitted = monitor_.seq() + 1;
    summary.counts = counts_;
    ++summary.counts.of(severity);
    summary.first_error_seq = first_error_seq_;
    if (failed && !first_error_seq_) summary.first_error_seq = summary.events_emitted;
    summary.coalesced = 0;
    summary.sinks.clear();
    for (const auto& status : writer_.sinks()) {
        summary.sinks.push_back({status.name, status.delivered, status.coalesced, status.detached});
        summary.coalesced += status.coalesced;
    }
    auto event = contract::draft(std::move(summary), std::move(message)).at(severity).took(elapsed_ms());
    event.envelope.last = true;
    event.envelope.error = std::move(error);
    return event;
}

void EventBus::conclude(contract::Summary summary, std::optional<contract::ErrorField> error, std::string message) {
    writer_.wait();
    const std::scoped_lock lock(mutex_);
    report_troubles();
    for (const auto& name : monitor_.owed_brokers())
        admit_and_write(contract::broker_aborted(name, "the run ended before it was concluded"));
    if (!admit_and_write(summary_event(summary, std::move(error), std::move(message))) && !monitor_.is_sealed()) {
        // A bug of ours; whoever reads must get an end all the same, and a truthful one.
        contract::Summary bare;
        bare.outcome = contract::Outcome::failed;
        bare.exit_code = summary.exit_code == 0 ? 1 : summary.exit_code;
        for (auto& vm : summary.vms)
            if (std::ranges::find(bare.vms, vm.vm, &contract::VmResult::vm) == bare.vms.end())
                bare.vms.push_back(std::move(vm));
        admit_and_write(summary_event(
            std::move(bare), contract::ErrorField{"contract_violation", "the summary broke the contract", {}, false},
            "failed: castra's own summary broke the contract"));
    }
    writer_.close();
}

std::vector<SinkStatus> EventBus::lost_at_the_end() const {
    const std::scoped_lock lock(mutex_);
    auto lost = writer_.sinks();
    std::erase_if(lost, [&](const SinkStatus& status) {
        return !status.detached || std::ranges::find(detached_reported_, status.name) != detached_reported_.end();
    });
    return lost;
}

bool EventBus::is_sealed() const {
    const std::scoped_lock lock(mutex_);
    return monitor_.is_sealed();
}

std::int64_t EventBus::violations() const {
    const std::scoped_lock lock(mutex_);
    return violations_;
}

std::int64_t EventBus::failures() const {
    const std::scoped_lock lock(mutex_);
    return counts_.error_events + counts_.blocker_events;
}

std::int64_t EventBus::elapsed_ms() const {
    return (clock_.monotonic_us() - began_us_) / 1000;
}

} // namespace castra
