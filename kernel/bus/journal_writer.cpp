// SPDX-License-Identifier: Apache-2.0
#include "bus/journal_writer.hpp"

#include <algorithm>
#include <csignal>

namespace castra {

JournalWriter::JournalWriter(std::unique_ptr<Journal> journal)
    : journal_(std::move(journal)), waiting_(std::make_shared<EncodedBatch>()) {}

void JournalWriter::start() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

JournalWriter::~JournalWriter() {
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
        filled_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void JournalWriter::add_sink(std::unique_ptr<Sink> sink, SinkLimits limits) {
    auto queue = std::make_unique<SinkQueue>(std::move(sink), limits);
    wait(); // it is told what is put from now on, and nothing of before
    const std::scoped_lock lock(sinks_mutex_);
    sinks_.push_back(std::move(queue));
}

void JournalWriter::put(const EncodedEvent& event, bool durable) {
    std::unique_lock lock(mutex_);
    if (waiting_->size() >= events_max) written_.wait(lock, [&] { return waiting_->size() < events_max; });
    if (!thread_.joinable()) start();
    waiting_->add(event);
    durable_ = durable_ || durable;
    if (is_idle_ || (is_gathering_ && (durable || waiting_->size() >= gather_events))) {
        is_idle_ = is_gathering_ = false;
        filled_.notify_one();
    }
}

void JournalWriter::wait() {
    std::unique_lock lock(mutex_);
    is_urgent_ = true;
    filled_.notify_one();
    written_.wait(lock, [&] { return waiting_->size() == 0 && !is_writing_; });
    is_urgent_ = false;
}

void JournalWriter::run() {
    ::pthread_setname_np(::pthread_self(), "castra-journal");
    std::unique_lock lock(mutex_);
    auto wrote = std::chrono::steady_clock::time_point{};
    while (true) {
        is_idle_ = waiting_->size() == 0;
        filled_.wait(lock, [&] { return waiting_->size() > 0 || ending_; });
        is_idle_ = false;
        if (waiting_->size() == 0) return;
        if (std::chrono::steady_clock::now() - wrote < gather_max) gather(lock);
        const auto batch = std::exchange(waiting_, free_batch());
        const bool durable = std::exchange(durable_, false);
        is_writing_ = true;
        written_.notify_all();
        lock.unlock();
        write(batch, durable);
        wrote = std::chrono::steady_clock::now();
        lock.lock();
        is_writing_ = false;
        written_.notify_all();
    }
}

void JournalWriter::gather(std::unique_lock<std::mutex>& lock) {
    const auto is_enough = [&] { return durable_ || is_urgent_ || ending_ || waiting_->size() >= gather_events; };
    if (is_enough()) return;
    is_gathering_ = true;
    filled_.wait_for(lock, gather_max, is_enough);
    is_gathering_ = false;
}

// One that nobody reads any more, or a new one.
std::shared_ptr<EncodedBatch> JournalWriter::free_batch() {
    for (auto& batch : batches_)
        if (batch.use_count() == 1) {
            std::atomic_thread_fence(std::memory_order_acquire);
            auto out = std::move(batch);
            batch = std::move(batches_.back());
            batches_.pop_back();
            out->clear();
            return out;
        }
    return std::make_shared<EncodedBatch>();
}

void JournalWriter::write(const std::shared_ptr<EncodedBatch>& batch, bool durable) {
    if (auto appended = journal_->append(batch->bytes(), durable); !appended) {
        journal_ = make_null_journal();
        const std::scoped_lock lock(mutex_);
        failure_ = std::move(appended).error();
        ++troubles_;
    }
    {
        const EncodedEvents events(batch);
        const std::scoped_lock lock(sinks_mutex_);
        for (auto& sink : sinks_)
            sink->push(events);
        if (std::ranges::any_of(sinks_, [](const auto& sink) { return sink->is_detached(); })) ++troubles_;
    }
    if (batches_.size() < batches_max) batches_.push_back(batch);
}

void JournalWriter::close() {
    wait();
    const std::scoped_lock lock(sinks_mutex_);
    for (auto& sink : sinks_)
        sink->close();
}

std::vector<SinkStatus> JournalWriter::sinks() const {
    const std::scoped_lock lock(sinks_mutex_);
    std::vector<SinkStatus> out;
    for (const auto& sink : sinks_)
        out.push_back(sink->status());
    return out;
}

std::optional<Error> JournalWriter::failure() const {
    const std::scoped_lock lock(mutex_);
    return failure_;
}

} // namespace castra
