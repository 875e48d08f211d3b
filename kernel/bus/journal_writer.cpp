// SPDX-License-Identifier: Apache-2.0
#include "bus/journal_writer.hpp"

#include <algorithm>
#include <csignal>

namespace castra {

JournalWriter::JournalWriter(std::unique_ptr<Journal> journal) : journal_(std::move(journal)) {
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
    thread_.join();
}

void JournalWriter::add_sink(std::unique_ptr<Sink> sink, SinkLimits limits) {
    auto queue = std::make_unique<SinkQueue>(std::move(sink), limits);
    wait(); // it is told what is put from now on, and nothing of before
    const std::scoped_lock lock(sinks_mutex_);
    sinks_.push_back(std::move(queue));
}

void JournalWriter::put(std::shared_ptr<const EncodedEvent> event, bool durable) {
    std::unique_lock lock(mutex_);
    if (waiting_.size() >= events_max) written_.wait(lock, [&] { return waiting_.size() < events_max; });
    waiting_.push_back(std::move(event));
    durable_ = durable_ || durable;
    if (is_idle_) {
        is_idle_ = false;
        filled_.notify_one();
    }
}

void JournalWriter::wait() {
    std::unique_lock lock(mutex_);
    written_.wait(lock, [&] { return waiting_.empty() && !is_writing_; });
}

void JournalWriter::run() {
    std::unique_lock lock(mutex_);
    EncodedEvents batch;
    while (true) {
        is_idle_ = waiting_.empty();
        filled_.wait(lock, [&] { return !waiting_.empty() || ending_; });
        is_idle_ = false;
        if (waiting_.empty()) return;
        batch.clear();
        batch.swap(waiting_);
        const bool durable = std::exchange(durable_, false);
        is_writing_ = true;
        written_.notify_all();
        lock.unlock();
        write(batch, durable);
        lock.lock();
        is_writing_ = false;
        written_.notify_all();
    }
}

void JournalWriter::write(const EncodedEvents& batch, bool durable) {
    bytes_.clear();
    for (const auto& event : batch)
        bytes_ += event->line;
    if (auto appended = journal_->append(bytes_, durable); !appended) {
        journal_ = make_null_journal();
        const std::scoped_lock lock(mutex_);
        failure_ = std::move(appended).error();
        ++troubles_;
    }
    const std::scoped_lock lock(sinks_mutex_);
    for (auto& sink : sinks_)
        sink->push(batch);
    if (std::ranges::any_of(sinks_, [](const auto& sink) { return sink->status().detached; })) ++troubles_;
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
