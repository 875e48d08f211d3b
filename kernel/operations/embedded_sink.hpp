// SPDX-License-Identifier: Apache-2.0
// Passage: from the bus of a run to an embedder's Reporter, and what the run came to, which is kept whatever the
// reporter does. It can be shut, so that a reporter is never called after its operation has returned. Thread: any;
// shut() waits for the call that is under way, no longer than it is told.
#pragma once
#include "bus/sink.hpp"
#include "operations/kernel.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace castra {

class Passage {
public:
    explicit Passage(Reporter& reporter) : reporter_(&reporter) {}

    Result<> tell(const EncodedEvents& batch);
    void note(const EncodedEvents& batch);
    // No further call begins. False: the reporter is still in one, and whoever owns it must let it live.
    bool shut(std::chrono::milliseconds wait);
    // What the events said; outcome and exit code of their summary, if there was one.
    OperationOutcome outcome() const;

private:
    void note(const EncodedEvent& event);

    mutable std::timed_mutex calling_;
    Reporter* reporter_;
    std::atomic<bool> is_shut_{false};
    mutable std::mutex mutex_; // what follows
    OperationOutcome outcome_;
};

// Two sinks: one that the reporter may hold up, and one that nobody does.
std::vector<std::unique_ptr<Sink>> make_sinks(const std::shared_ptr<Passage>& passage);

} // namespace castra
