// SPDX-License-Identifier: Apache-2.0
// The archive of the real broker: a TopicStore on a thread of its own. Everything that waits is written together and
// synced once (group commit), then answered in order on the broker's thread.
// Limits: requests_max waiting; more are refused at once. Owner: the server, whose loop outlives it.
#pragma once
#include "broker/topic_store.hpp"
#include "host/async.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace castra::broker {

class ArchiveThread final : public Archive {
public:
    ArchiveThread(const Executor& executor, TopicStore store);
    ~ArchiveThread() override; // finishes what waits; answers that have not arrived by then never do
    void append(const std::string& topic, const std::string& from, std::string payload, Appended done) override;
    void replay(const std::string& topic, std::int64_t after, Replayed done) override;
    std::vector<TopicFacts> topics() const override;
    std::int64_t cursor(const std::string& reader, const std::string& topic) const override;
    void move_cursor(const std::string& reader, const std::string& topic, std::int64_t seq) override;

    static constexpr std::size_t requests_max = 65536;
    static constexpr std::size_t cursors_max = 4096; // of all readers together; more are not remembered

private:
    struct Job {
        std::string topic, from, payload;
        std::int64_t after = 0;
        Appended appended; // or else
        Replayed replayed;
    };
    void run();
    void work_off(std::vector<Job>& jobs);
    bool enqueue(Job job);

    Executor executor_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true); // of the broker's thread
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Job> waiting_;
    std::vector<TopicFacts> facts_;               // as of the last batch
    std::map<std::string, std::int64_t> cursors_; // "reader topic"
    bool cursors_moved_ = false, ends_ = false;
    TopicStore store_; // the thread's
    std::thread thread_;
};

} // namespace castra::broker
