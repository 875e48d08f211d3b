// SPDX-License-Identifier: Apache-2.0
// Whoever is told the events of a run: a reporter, a client's socket. Gets the journal's exact bytes.
#pragma once
#include "base/result.hpp"
#include "bus/encoded_batch.hpp"

namespace castra {

// What a sink was not told: progress events that later ones replaced.
struct Gap {
    std::int64_t first_seq = 0, last_seq = 0;
};

// Thread: its queue's own; may block. Owner: its queue.
class Sink {
public:
    virtual ~Sink() = default;
    virtual std::string name() const = 0;
    // In order, each once, never empty. A failure detaches the sink; the run goes on.
    virtual Result<> deliver(const EncodedEvents& batch) = 0;
    // Before the events that follow the gap. Most sinks see it from `seq` alone.
    virtual Result<> skip(const Gap&) { return {}; }
    // After the last batch.
    virtual Result<> finish() = 0;
    // Nobody waits any longer: what deliver() or finish() is doing, or is asked to do from now on, ends soon. Thread:
    // any; never blocks.
    virtual void give_up() noexcept {}
};

} // namespace castra
