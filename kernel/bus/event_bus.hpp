// SPDX-License-Identifier: Apache-2.0
// The event bus of one run. publish() stamps the event, asks the contract's monitor, appends to the journal, then fans
// out to the sinks: in this order, in one call, so `seq` has no gaps and no sink is ahead of the journal.
// A refused event is quarantined whole and a `message` with code contract_violation takes its place.
// Never throws, never waits for longer than the sinks' limits. Thread: the kernel's.
#pragma once
#include "bus/journal.hpp"
#include "bus/sink_queue.hpp"
#include "contract/draft.hpp"
#include "contract/monitor.hpp"
#include "host/clock.hpp"

#include <functional>

namespace castra {

enum class ContractMode { report, strict }; // strict: a violation fails the run with its own exit code

struct RunIdentity {
    std::string run_id, operation, project;
};

class EventBus {
public:
    // `quarantine` receives each refused event as one line; may be null.
    EventBus(RunIdentity run, Clock& clock, std::unique_ptr<Journal> journal, std::unique_ptr<Journal> quarantine,
             ContractMode mode);

    void add_sink(std::unique_ptr<Sink> sink, SinkLimits limits = {});
    // Returns the seq it was given, that of the violation's message when refused.
    std::int64_t publish(contract::Draft draft);
    // The last event: fills in counts, seq, sinks and how long the run took; then closes the sinks.
    void conclude(contract::Summary summary, std::optional<contract::ErrorField> error, std::string message);

    const RunIdentity& identity() const { return run_; }
    bool is_sealed() const { return monitor_.is_sealed(); }
    std::int64_t violations() const { return violations_; }
    bool journal_failed() const { return journal_failed_; }
    std::int64_t failures() const; // events of severity error and blocker so far
    std::int64_t elapsed_ms() const;
    ContractMode mode() const { return mode_; }
    static SinkLimits default_limits() { return {}; }

private:
    contract::Stamp next_stamp() const;
    bool admit_and_write(const contract::Draft& draft);
    void refuse(const contract::Draft& draft, const contract::Json& event, const contract::Violation& violation);
    void write(contract::Json& event, const contract::Draft& draft);
    void report_detached_sinks();

    RunIdentity run_;
    Clock& clock_;
    std::unique_ptr<Journal> journal_, quarantine_;
    ContractMode mode_;
    contract::Monitor monitor_;
    struct Attached {
        std::unique_ptr<SinkQueue> queue;
        bool reported = false;
    };
    std::vector<Attached> sinks_;
    std::int64_t began_us_;
    std::int64_t seq_ = 0, violations_ = 0;
    std::optional<std::int64_t> first_error_seq_;
    contract::Counts counts_;
    bool journal_failed_ = false, reporting_ = false;
};

} // namespace castra
