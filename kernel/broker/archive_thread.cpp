// SPDX-License-Identifier: Apache-2.0
#include "broker/archive_thread.hpp"

#include <boost/asio/post.hpp>

namespace castra::broker {

ArchiveThread::ArchiveThread(const Executor& executor, TopicStore store)
    : executor_(executor), facts_(store.topics()), cursors_(store.cursors()), store_(std::move(store)),
      thread_([this] { run(); }) {}

ArchiveThread::~ArchiveThread() {
    *alive_ = false;
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

bool ArchiveThread::enqueue(Job job) {
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() >= requests_max) return false;
        waiting_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
}

void ArchiveThread::append(const std::string& topic, const std::string& from, std::string payload, Appended done) {
    auto refused = done;
    if (!enqueue({topic, from, std::move(payload), 0, std::move(done), {}}))
        refused(fail(ErrorCode::busy, "the disk is behind: " + std::to_string(requests_max) + " records wait"));
}

void ArchiveThread::replay(const std::string& topic, std::int64_t after, Replayed done) {
    auto refused = done;
    if (!enqueue({topic, {}, {}, after, {}, std::move(done)}))
        refused(fail(ErrorCode::busy, "the disk is behind: " + std::to_string(requests_max) + " requests wait"));
}

std::vector<TopicFacts> ArchiveThread::topics() const {
    const std::lock_guard lock(mutex_);
    return facts_;
}

std::int64_t ArchiveThread::cursor(const std::string& reader, const std::string& topic) const {
    const std::lock_guard lock(mutex_);
    const auto found = cursors_.find(reader + " " + topic);
    return found == cursors_.end() ? 0 : found->second;
}

void ArchiveThread::move_cursor(const std::string& reader, const std::string& topic, std::int64_t seq) {
    {
        const std::lock_guard lock(mutex_);
        const auto key = reader + " " + topic;
        const auto found = cursors_.find(key);
        if (found == cursors_.end() && cursors_.size() >= cursors_max) return;
        if (found != cursors_.end() && found->second >= seq) return;
        cursors_[key] = seq;
        cursors_moved_ = true;
    }
    wake_.notify_one();
}

void ArchiveThread::run() {
    while (true) {
        std::vector<Job> jobs;
        std::map<std::string, std::int64_t> cursors;
        bool saves_cursors = false;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return ends_ || cursors_moved_ || !waiting_.empty(); });
            if (ends_ && waiting_.empty() && !cursors_moved_) return;
            jobs.swap(waiting_);
            saves_cursors = std::exchange(cursors_moved_, false);
            if (saves_cursors) cursors = cursors_;
        }
        work_off(jobs);
        if (saves_cursors) (void)store_.save_cursors(cursors); // a reader whose cursor is lost reads again
        const std::lock_guard lock(mutex_);
        facts_ = store_.topics();
    }
}

void ArchiveThread::work_off(std::vector<Job>& jobs) {
    std::vector<std::function<void()>> answers;
    std::vector<std::pair<Result<std::int64_t>, std::size_t>> appended; // and which job
    std::vector<std::pair<Result<Replay>, std::size_t>> replayed;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        auto& job = jobs[i];
        if (job.appended)
            appended.emplace_back(store_.append(job.topic, job.from, job.payload), i);
        else
            replayed.emplace_back(store_.read(job.topic, job.after), i);
    }
    const auto failed = appended.empty() ? std::set<std::string>() : store_.sync();
    for (auto& [seq, i] : appended)
        if (seq && failed.contains(jobs[i].topic))
            seq = fail(ErrorCode::io, "sync topic " + jobs[i].topic + ": it may not be on disk");
    // In the order of the requests: a reader that caught up misses nothing, and gets nothing twice.
    std::size_t next_append = 0;
    std::size_t next_replay = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        if (next_append < appended.size() && appended[next_append].second == i)
            answers.emplace_back([done = std::move(jobs[i].appended),
                                  result = std::move(appended[next_append++].first)] { done(result); });
        else
            answers.emplace_back([done = std::move(jobs[i].replayed),
                                  result = std::move(replayed[next_replay++].first)] { done(result); });
    }
    if (answers.empty()) return;
    asio::post(executor_, [alive = alive_, all = std::move(answers)] {
        for (const auto& answer : all)
            if (*alive) answer();
    });
}

} // namespace castra::broker
