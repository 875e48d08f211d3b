// SPDX-License-Identifier: Apache-2.0
#include "bus/sink_queue.hpp"

#include <algorithm>
#include <csignal>

namespace castra {

struct SinkQueue::Shared {
    mutable std::mutex mutex;
    std::condition_variable filled, emptied;
    std::deque<std::shared_ptr<const EncodedEvent>> waiting;
    std::unique_ptr<Sink> sink;
    SinkStatus status;
    bool closing = false, finished = false;

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
        const auto older = std::ranges::find_if(
            waiting, [&](const auto& held) { return held->may_coalesce && held->coalesce_key == event.coalesce_key; });
        if (older == waiting.end()) return false;
        waiting.erase(older);
        ++status.coalesced;
        return true;
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

void SinkQueue::push(std::shared_ptr<const EncodedEvent> event) {
    std::unique_lock lock(shared_->mutex);
    if (shared_->status.detached || shared_->closing) return;
    const bool is_full = shared_->waiting.size() >= limits_.events_max;
    if (is_full && !(limits_.may_coalesce && shared_->coalesce(*event))) {
        const auto began = std::chrono::steady_clock::now();
        shared_->emptied.wait_for(lock, block_left_, [&] {
            return shared_->status.detached || shared_->waiting.size() < limits_.events_max;
        });
        const auto waited =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
        block_left_ = std::max(std::chrono::milliseconds(0), block_left_ - waited);
        if (shared_->status.detached) return;
        if (shared_->waiting.size() >= limits_.events_max)
            return shared_->detach("its queue of " + std::to_string(limits_.events_max) + " events stayed full");
    }
    shared_->waiting.push_back(std::move(event));
    shared_->filled.notify_one();
}

void SinkQueue::run(const std::shared_ptr<Shared>& shared) {
    std::unique_lock lock(shared->mutex);
    while (true) {
        shared->filled.wait(lock,
                            [&] { return !shared->waiting.empty() || shared->closing || shared->status.detached; });
        if (shared->status.detached || shared->waiting.empty()) break;
        const EncodedEvents batch(shared->waiting.begin(), shared->waiting.end());
        shared->waiting.clear();
        shared->emptied.notify_all();
        lock.unlock();
        const auto delivered = shared->sink->deliver(batch);
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
