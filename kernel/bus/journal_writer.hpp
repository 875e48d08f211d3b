// SPDX-License-Identifier: Apache-2.0
// The thread between the bus and what it tells: takes what has gathered, appends it to the journal in one write (synced
// when one of it must be durable), then fans it out. So no sink is ever ahead of the journal, and publishing costs no
// system call. When the journal fails, the sinks are still told, and the bus learns of it.
// Thread: put, wait and the rest from the bus's; journal and sinks are touched on the writer's own.
#pragma once
#include "bus/journal.hpp"
#include "bus/sink_queue.hpp"

#include <atomic>

namespace castra {

class JournalWriter {
public:
    static constexpr std::size_t events_max = 16384; // gathered; then put() waits for the disk

    static constexpr std::size_t batches_max = 16; // kept for use again

    // Under a flood it waits so long for more, or for so many: waking three threads for each event would cost more than
    // the event. One event by itself is never delayed.
    static constexpr std::chrono::microseconds gather_max{100};
    static constexpr std::size_t gather_events = 256;

    explicit JournalWriter(std::unique_ptr<Journal> journal);
    JournalWriter(const JournalWriter&) = delete;
    JournalWriter& operator=(const JournalWriter&) = delete;
    ~JournalWriter();

    void add_sink(std::unique_ptr<Sink> sink, SinkLimits limits);
    void put(const EncodedEvent& event, bool durable); // copies
    // Until everything that was put is in the journal (and durable, where asked) and on its way to the sinks.
    void wait();
    // wait(), then closes the sinks within their limits.
    void close();

    std::vector<SinkStatus> sinks() const;
    std::optional<Error> failure() const; // of the journal; the first one
    // Changes when a sink was detached or the journal failed: cheap to ask.
    std::int64_t troubles() const { return troubles_.load(std::memory_order_relaxed); }

private:
    void gather(std::unique_lock<std::mutex>& lock);
    void start(); // at the first event: a bus that says nothing costs no thread
    void run();
    void write(const std::shared_ptr<EncodedBatch>& batch, bool durable);
    std::shared_ptr<EncodedBatch> free_batch();

    std::unique_ptr<Journal> journal_;                   // of the writer's thread
    std::vector<std::shared_ptr<EncodedBatch>> batches_; // of the writer's thread: to be used again once no sink reads
    mutable std::mutex mutex_;
    std::condition_variable filled_, written_;
    std::shared_ptr<EncodedBatch> waiting_;
    bool durable_ = false, is_idle_ = true, is_writing_ = false, is_gathering_ = false, is_urgent_ = false,
         ending_ = false;
    std::optional<Error> failure_;
    std::vector<std::unique_ptr<SinkQueue>> sinks_; // guarded by sinks_mutex_
    mutable std::mutex sinks_mutex_;
    std::atomic<std::int64_t> troubles_{0};
    std::thread thread_; // last: it uses the rest
};

} // namespace castra
