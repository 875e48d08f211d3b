// SPDX-License-Identifier: Apache-2.0
// The event bus of one run. publish() masks secrets, stamps the event, encodes it, asks the contract's monitor and
// hands the line to the journal's writer: one critical section, so `seq` has no gaps. A refused event is quarantined
// whole and a `message` with code contract_violation takes its place. Returns at once, but for events that announce a
// destruction: those are durable when publish() returns. Never throws, never waits for a sink. Thread: any; the
// kernel's own uses it alone.
#pragma once
#include "bus/journal_writer.hpp"
#include "contract/encode.hpp"
#include "contract/monitor.hpp"
#include "contract/secret_book.hpp"
#include "host/clock.hpp"

namespace castra {

enum class ContractMode { report, strict }; // strict: a violation fails the run with its own exit code

// How the contract is kept in a run.
struct ContractTerms {
    ContractMode mode = ContractMode::report;
    // With unknown fields there are also events of unknown types, x.grease.*: every grease_interval-th, from the third
    // on.
    contract::Grease grease = contract::Grease::none;
    static constexpr std::int64_t grease_interval = 5;
};

struct RunIdentity {
    std::string run_id, operation, project;
};

// Where a run is written down; each may be null.
struct RunJournals {
    std::unique_ptr<Journal> main;       // the stream
    std::unique_ptr<Journal> quarantine; // each refused event as one line
    std::unique_ptr<Journal> uncut;      // each event that was cut to fit its line, whole
    std::string uncut_path;              // what `data_ref` says
};

class EventBus {
public:
    EventBus(RunIdentity run, Clock& clock, RunJournals journals, ContractTerms terms = {});

    void add_sink(std::unique_ptr<Sink> sink, SinkLimits limits = {});
    // From now on no event shows it. Errors: see SecretBook.
    Result<> hide(const Secret& secret);
    // Returns the seq it was given, that of the violation's message when refused.
    std::int64_t publish(contract::Draft draft);
    // The last event: fills in counts, seq, sinks, what was promised and not concluded, and how long the run took; then
    // closes the sinks. A summary that breaks the contract is replaced by one that says so.
    void conclude(contract::Summary summary, std::optional<contract::ErrorField> error, std::string message);
    // After conclude(): sinks that failed while they took their last events, when there was no run left to tell it to.
    std::vector<SinkStatus> lost_at_the_end() const;
    // Until what was published is in the journal and on its way to the sinks.
    void flush() { writer_.wait(); }

    const RunIdentity& identity() const { return run_; }
    bool is_sealed() const;
    std::int64_t violations() const;
    bool journal_failed() const { return writer_.failure().has_value(); }
    std::int64_t failures() const; // events of severity error and blocker so far
    std::int64_t elapsed_ms() const;
    ContractMode mode() const { return terms_.mode; }
    static SinkLimits default_limits() { return {}; }

private:
    void stamp(contract::Envelope& envelope);
    void lend(contract::Envelope& envelope);
    contract::Check write(contract::Event& event);
    bool admit_and_write(contract::Event&& event);
    void refuse(const contract::Event& event, std::string_view line, const contract::Violation& violation);
    void add_grease();
    void keep_whole(contract::Event& event, std::string& line, const std::string& whole);
    void report_troubles();
    contract::Event summary_event(contract::Summary summary, std::optional<contract::ErrorField> error,
                                  std::string message);

    RunIdentity run_, lent_;
    Clock& clock_;
    std::unique_ptr<Journal> quarantine_, uncut_;
    std::string uncut_path_;
    ContractTerms terms_;
    JournalWriter writer_;
    mutable std::mutex mutex_;
    contract::Monitor monitor_;
    contract::SecretBook secrets_;
    std::string line_; // being encoded
    std::string time_; // memory for the time of the next event
    std::int64_t began_us_;
    std::int64_t violations_ = 0;
    std::optional<std::int64_t> first_error_seq_;
    contract::Counts counts_;
    std::int64_t troubles_seen_ = 0;
    bool journal_reported_ = false;
    std::vector<std::string> detached_reported_;
};

} // namespace castra
