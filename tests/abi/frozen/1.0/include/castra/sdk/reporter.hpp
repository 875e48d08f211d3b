// SPDX-License-Identifier: Apache-2.0
// Derive from Reporter, implement events(), register with CASTRA_PLUGIN(YourClass). See plugins/reporter-hello.
// A reporter is told everything, in order, and can break nothing: the kernel owns the queue in front of it and goes on
// without it when it fails. Order: open, then events and flush any number of times, then close.
#pragma once
#include "castra/sdk/call.hpp"
#include "castra/sdk/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace castra::sdk {

// What stands at the other end of the kernel's own stderr.
struct Terminal {
    bool is_tty = false;
    std::int64_t width = 80; // columns
    bool color = false;      // the person did not ask for none (NO_COLOR, --color)
};
CASTRA_SDK_JSON(Terminal, is_tty, width, color)

struct OpenRequest {
    std::string run_id, operation, project;
    Terminal terminal;
};
CASTRA_SDK_JSON(OpenRequest, run_id, operation, project, terminal)

// One event: the fields that routing needs, and the exact line of the journal, without its line feed.
struct Event {
    std::string type;
    std::uint64_t seq = 0;
    std::string severity; // progress, info, warn, error, blocker
    std::optional<std::string> vm;
    std::string line;
};
CASTRA_SDK_JSON(Event, type, seq, severity, vm, line)

// Events first_seq..last_seq were not delivered to this reporter.
struct Gap {
    std::uint64_t first_seq = 0, last_seq = 0;
    std::uint64_t count = 0;
    std::string reason; // overflow, coalesced, ...
};
CASTRA_SDK_JSON(Gap, first_seq, last_seq, count, reason)

struct EventBatch {
    std::vector<Event> events;
    std::optional<Gap> gap; // before the first of `events`
};
CASTRA_SDK_JSON(EventBatch, events, gap)

class Reporter {
public:
    virtual ~Reporter() = default;
    virtual void open(const OpenRequest&, const Call&) {}
    virtual void events(const EventBatch& batch, const Call& call) = 0;
    // Returns when everything taken so far is where it belongs.
    virtual void flush(const Call&) {}
    virtual void close(const Call&) {}
};

} // namespace castra::sdk
