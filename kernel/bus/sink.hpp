// SPDX-License-Identifier: Apache-2.0
// Whoever is told the events of a run: a reporter, a client's socket. Gets the journal's exact bytes.
#pragma once
#include "base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace castra {

// One encoded event, shared by all sinks, with what a sink needs without parsing.
struct EncodedEvent {
    std::string line; // with its line feed
    std::string type, severity, vm;
    std::int64_t seq = 0;
    bool may_coalesce = false; // a later one of the same key replaces it
    std::string coalesce_key;
};
using EncodedEvents = std::vector<std::shared_ptr<const EncodedEvent>>;

// Thread: its queue's own; may block. Owner: its queue.
class Sink {
public:
    virtual ~Sink() = default;
    virtual std::string name() const = 0;
    // In order, each once. A failure detaches the sink; the run goes on.
    virtual Result<> deliver(const EncodedEvents& batch) = 0;
    // After the last batch.
    virtual Result<> finish() = 0;
};

} // namespace castra
