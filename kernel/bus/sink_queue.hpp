// SPDX-License-Identifier: Apache-2.0
// The bounded queue between the journal and one sink, with the thread that empties it. When it is full: progress events
// are coalesced (the latest of a key wins, counted), then push() blocks briefly, then the sink is detached. So a slow,
// failing or hanging sink never stops a run, and what it has taken is a prefix of the stream without the coalesced,
// each gap told.
// Thread: push from one (the journal's writer), close from the bus's; deliver runs on the queue's own.
#pragma once
#include "bus/sink.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace castra {

struct SinkLimits {
    std::size_t events_max = 8192;
    std::chrono::milliseconds block_max{200};  // over all pushes of a run
    std::chrono::milliseconds close_max{5000}; // to take what is left at the end
    bool may_coalesce = true;                  // false: every event or none (a client that passes the stream on)
};

struct SinkStatus {
    std::string name;
    std::int64_t delivered = 0, coalesced = 0;
    bool detached = false;
    std::string why; // when detached
};

class SinkQueue {
public:
    SinkQueue(std::unique_ptr<Sink> sink, SinkLimits limits);
    SinkQueue(const SinkQueue&) = delete;
    SinkQueue& operator=(const SinkQueue&) = delete;
    ~SinkQueue(); // closes

    void push(const EncodedEvents& events);
    // Delivers what is queued and finishes the sink, within close_max; otherwise has it give up, and leaves the thread
    // of one that does not behind, detached.
    void close();
    SinkStatus status() const;
    bool is_detached() const; // cheaper than status()

private:
    struct Shared; // outlives the queue when the sink hangs
    static void run(const std::shared_ptr<Shared>& shared);
    bool make_room(std::unique_lock<std::mutex>& lock);

    std::shared_ptr<Shared> shared_;
    SinkLimits limits_;
    std::chrono::milliseconds block_left_;
    std::thread thread_;
};

} // namespace castra
