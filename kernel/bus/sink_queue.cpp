// SPDX-License-Identifier: Apache-2.0
#include "bus/sink_queue.hpp"

#include <algorithm>
#include <csignal>
#include <ranges>
#include <set>

namespace castra {
namespace {

constexpr std::chrono::milliseconds give_up_max{1000}; // to end, once nobody waits any more

}

struct SinkQueue::Shared {
    mutable std::mutex mutex;
    std::condition_variable filled, emptied;
    std::vector<EncodedEvents> waiting;
    std::size_t events = 0; // in `waiting`
    std::unique_ptr<Sink> sink;
    SinkStatus status;
    bool closing = false, finished = false, is_idle = true;
    std::int64_t next_seq = 0; // that the sink expects; 0: any

    void detach(std::string why) {
        status.detached = true;
        status.why = std::move(why);
        waiting.clear();
        events = 0;
        filled.notify_all();
        emptied.notify_all();
    }
    void detach_and_give_up(std::string why) {
        detach(std::move(why));
        sink->give_up();
    }

    // Gives up every progress event that a later one in the queue replaces. Returns how many.
    std::size_t coalesce() {
        std::set<std::pair<std::string_view, std::string_view>> later;
        std::vector<EncodedEvents> kept; // newest first
        std::size_t dropped = 0;
        for (const auto& piece : waiting | std::views::reverse) {
            std::size_t end = piece.size(); // of the stretch that is kept
            for (std::size_t i = piece.size(); i-- > 0;) {
                const auto event = piece[i];
                if (!event.may_coalesce || later.emplace(event.type, event.vm).second) continue;
                ++dropped;
                if (i + 1 < end) kept.push_back(piece.part(i + 1, end));
                end = i;
            }
            if (end > 0) kept.push_back(piece.part(0, end));
        }
        if (dropped == 0) return 0;
        std::ranges::reverse(kept);
        waiting = std::move(kept);
        events -= dropped;
        status.coalesced += static_cast<std::int64_t>(dropped);
        return dropped;
    }

    // Outside the lock: the pieces, and the gaps between them.
    Result<> deliver(const std::vector<EncodedEvents>& batch) {
        for (const auto& piece : batch) {
            const auto first = piece.front().seq;
            if (next_seq > 0 && first > next_seq) CASTRA_CHECK(sink->skip({next_seq, first - 1}));
            next_seq = piece.back().seq + 1;
            CASTRA_CHECK(sink->deliver(piece));
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

void SinkQueue::push(const EncodedEvents& events) {
    std::unique_lock lock(shared_->mutex);
    for (std::size_t from = 0; from < events.size();) {
        if (shared_->status.detached || shared_->closing) return;
        if (shared_->events >= limits_.events_max && !make_room(lock)) return;
        const auto to = std::min(events.size(), from + limits_.events_max - shared_->events);
        shared_->waiting.push_back(events.part(from, to));
        shared_->events += to - from;
        from = to;
    }
    if (shared_->is_idle) shared_->filled.notify_one();
}

bool SinkQueue::make_room(std::unique_lock<std::mutex>& lock) {
    if (limits_.may_coalesce && shared_->coalesce() > 0) return true;
    if (shared_->is_idle) shared_->filled.notify_one();
    const auto began = std::chrono::steady_clock::now();
    shared_->emptied.wait_for(lock, block_left_,
                              [&] { return shared_->status.detached || shared_->events < limits_.events_max; });
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    block_left_ = std::max(std::chrono::milliseconds(0), block_left_ - waited);
    if (shared_->status.detached) return false;
    if (shared_->events < limits_.events_max) return true;
    shared_->detach_and_give_up("its queue of " + std::to_string(limits_.events_max) + " events stayed full");
    return false;
}

void SinkQueue::run(const std::shared_ptr<Shared>& shared) {
    ::pthread_setname_np(::pthread_self(), "castra-sink");
    std::unique_lock lock(shared->mutex);
    std::vector<EncodedEvents> batch;
    while (true) {
        shared->is_idle = true;
        shared->filled.wait(lock,
                            [&] { return !shared->waiting.empty() || shared->closing || shared->status.detached; });
        shared->is_idle = false;
        if (shared->status.detached || shared->waiting.empty()) break;
        batch.swap(shared->waiting);
        const auto count = std::exchange(shared->events, 0);
        shared->emptied.notify_all();
        lock.unlock();
        const auto delivered = shared->deliver(batch);
        batch.clear(); // gives the memory back before it waits
        lock.lock();
        if (!delivered) {
            if (!shared->status.detached) shared->detach(delivered.error().text);
            break;
        }
        shared->status.delivered += static_cast<std::int64_t>(count);
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
    bool finished = shared_->emptied.wait_for(lock, limits_.close_max, [&] { return shared_->finished; });
    if (!finished) {
        if (!shared_->status.detached)
            shared_->detach("it did not finish within " + std::to_string(limits_.close_max.count()) + " ms");
        shared_->sink->give_up(); // so that it lets go of what it holds: a program that it started, say
        finished = shared_->emptied.wait_for(lock, give_up_max, [&] { return shared_->finished; });
    }
    lock.unlock();
    if (finished)
        thread_.join();
    else
        thread_.detach(); // hangs in foreign code; what it uses is kept alive by `shared`
}

bool SinkQueue::is_detached() const {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->status.detached;
}

SinkStatus SinkQueue::status() const {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->status;
}

} // namespace castra
