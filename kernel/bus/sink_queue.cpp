// SPDX-License-Identifier: Apache-2.0
#include "bus/sink_queue.hpp"

#include <algorithm>
#include <csignal>

namespace castra {

struct SinkQueue::Shared {
    mutable std::mutex mutex;
    std::condition_variable filled, emptied;
    EncodedEvents waiting;
    std::unique_ptr<Sink> sink;
    SinkStatus status;
    bool closing = false, finished = false, is_idle = true;
    std::int64_t next_seq = 0; // that the sink expects; 0: any

    void detach(std::string why) {
        status.detached = true;
        status.why = std::move(why);
        waiting.clear();
        filled.notify_all();
        emptied.notify_all();
    }

    // A progress event in the queue that the new one replaces; its place in the order is given up.
    bool coalesce(const EncodedEvent& event) {
        if (!event.may_coalesce) return false;
        const auto older = std::ranges::find_if(waiting, [&](const auto& held) {
            return held->may_coalesce && held->type == event.type && held->vm == event.vm;
        });
        if (older == waiting.end()) return false;
        waiting.erase(older);
        ++status.coalesced;
        return true;
    }

    // Outside the lock: tells each stretch of the batch that has no gap, and the gaps between.
    Result<> deliver(EncodedEvents& batch) {
        auto from = batch.begin();
        while (from != batch.end()) {
            if (next_seq > 0 && (*from)->seq > next_seq) CASTRA_CHECK(sink->skip({next_seq, (*from)->seq - 1}));
            auto to = from + 1;
            while (to != batch.end() && (*to)->seq == (*(to - 1))->seq + 1)
                ++to;
            next_seq = (*(to - 1))->seq + 1;
            if (from == batch.begin() && to == batch.end()) return sink->deliver(batch);
            CASTRA_CHECK(sink->deliver(EncodedEvents(from, to)));
            from = to;
        }
        return {};
    }
};

SinkQueue::SinkQueue(std::unique_ptr<Sink> sink, SinkLimits limits)
    : shared_(std::make_shared<Shared>()), limits_(limits), block_left_(limits.block_max) {
    shared_->status.name = sink->name();
    shared_->sink = std::move(sink);
    // Signals belong to the kernel's thread.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([shared = shared_] { run(shared); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

SinkQueue::~SinkQueue() {
    close();
}

void SinkQueue::push(std::span<const std::shared_ptr<const EncodedEvent>> events) {
    std::unique_lock lock(shared_->mutex);
    for (const auto& event : events) {
        if (shared_->status.detached || shared_->closing) return;
        if (shared_->waiting.size() >= limits_.events_max && !make_room(lock, *event)) return;
        shared_->waiting.push_back(event);
    }
    if (shared_->is_idle) shared_->filled.notify_one();
}

bool SinkQueue::make_room(std::unique_lock<std::mutex>& lock, const EncodedEvent& event) {
    if (limits_.may_coalesce && shared_->coalesce(event)) return true;
    if (shared_->is_idle) shared_->filled.notify_one();
    const auto began = std::chrono::steady_clock::now();
    shared_->emptied.wait_for(lock, block_left_,
                              [&] { return shared_->status.detached || shared_->waiting.size() < limits_.events_max; });
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    block_left_ = std::max(std::chrono::milliseconds(0), block_left_ - waited);
    if (shared_->status.detached) return false;
    if (shared_->waiting.size() < limits_.events_max) return true;
    shared_->detach("its queue of " + std::to_string(limits_.events_max) + " events stayed full");
    return false;
}

void SinkQueue::run(const std::shared_ptr<Shared>& shared) {
    std::unique_lock lock(shared->mutex);
    EncodedEvents batch;
    while (true) {
        shared->is_idle = true;
        shared->filled.wait(lock,
                            [&] { return !shared->waiting.empty() || shared->closing || shared->status.detached; });
        shared->is_idle = false;
        if (shared->status.detached || shared->waiting.empty()) break;
        batch.clear();
        batch.swap(shared->waiting);
        shared->emptied.notify_all();
        lock.unlock();
        const auto delivered = shared->deliver(batch);
        lock.lock();
        if (!delivered) {
            if (!shared->status.detached) shared->detach(delivered.error().text);
            break;
        }
        shared->status.delivered += static_cast<std::int64_t>(batch.size());
    }
    const bool detached = shared->status.detached;
    lock.unlock();
    if (const auto finished = shared->sink->finish(); !finished && !detached) {
        const std::scoped_lock relock(shared->mutex);
        shared->detach(finished.error().text);
    }
    lock.lock();
    shared->finished = true;
    shared->emptied.notify_all();
}

void SinkQueue::close() {
    if (!thread_.joinable()) return;
    std::unique_lock lock(shared_->mutex);
    shared_->closing = true;
    shared_->filled.notify_all();
    const bool finished = shared_->emptied.wait_for(lock, limits_.close_max, [&] { return shared_->finished; });
    if (!finished && !shared_->status.detached)
        shared_->detach("it did not finish within " + std::to_string(limits_.close_max.count()) + " ms");
    lock.unlock();
    if (finished)
        thread_.join();
    else
        thread_.detach(); // hangs in foreign code; what it uses is kept alive by `shared`
}

SinkStatus SinkQueue::status() const {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->status;
}

} // namespace castra
