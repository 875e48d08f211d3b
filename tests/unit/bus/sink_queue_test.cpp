// SPDX-License-Identifier: Apache-2.0
#include "bus/sink_queue.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace castra {
namespace {

using namespace std::chrono_literals;

// What a test's sink did, visible after the queue is gone. `open` lets deliver() go on.
struct Witness {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::int64_t> seen;
    std::vector<Gap> gaps;
    bool open = true, entered = false;
    bool fails = false, obeys = false, destroyed = false;
    void release() {
        const std::scoped_lock lock(mutex);
        open = true;
        changed.notify_all();
    }
    void wait_until_entered() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return entered; });
    }
};

class TestSink final : public Sink {
public:
    explicit TestSink(std::shared_ptr<Witness> witness) : witness_(std::move(witness)) {}
    ~TestSink() override { witness_->destroyed = true; }
    std::string name() const override { return "test"; }
    Result<> deliver(const EncodedEvents& batch) override {
        std::unique_lock lock(witness_->mutex);
        witness_->entered = true;
        witness_->changed.notify_all();
        witness_->changed.wait(lock, [&] { return witness_->open; });
        if (witness_->fails) return fail(ErrorCode::io, "full");
        for (const auto& event : batch)
            witness_->seen.push_back(event.seq);
        return {};
    }
    Result<> skip(const Gap& gap) override {
        const std::scoped_lock lock(witness_->mutex);
        witness_->gaps.push_back(gap);
        return {};
    }
    Result<> finish() override { return {}; }
    void give_up() noexcept override {
        if (witness_->obeys) witness_->release();
    }

private:
    std::shared_ptr<Witness> witness_;
};

EncodedEvents event(std::int64_t seq, bool progress = false) {
    EncodedEvent made;
    made.line = "{}\n";
    made.seq = seq;
    made.may_coalesce = progress;
    return EncodedEvents::of(made);
}

TEST(SinkQueue, DeliversInOrderAndFinishes) {
    const auto witness = std::make_shared<Witness>();
    SinkQueue queue(std::make_unique<TestSink>(witness), {});
    for (int seq = 1; seq <= 100; ++seq)
        queue.push(event(seq));
    queue.close();
    ASSERT_EQ(witness->seen.size(), 100U);
    EXPECT_TRUE(std::is_sorted(witness->seen.begin(), witness->seen.end()));
    EXPECT_EQ(queue.status().delivered, 100);
    EXPECT_FALSE(queue.status().detached);
}

TEST(SinkQueue, CoalescesProgressWhenFullAndCountsIt) {
    const auto witness = std::make_shared<Witness>();
    witness->open = false;
    SinkQueue queue(std::make_unique<TestSink>(witness), {.events_max = 4, .block_max = 0ms, .close_max = 5s});
    queue.push(event(1));
    witness->wait_until_entered(); // event 1 is being delivered, the queue is empty
    for (int seq = 2; seq <= 20; ++seq)
        queue.push(event(seq, true));
    witness->release();
    queue.close();
    EXPECT_EQ(witness->seen, (std::vector<std::int64_t>{1, 17, 18, 19, 20})) << "the latest win";
    EXPECT_EQ(queue.status().coalesced, 15);
    ASSERT_EQ(witness->gaps.size(), 1U) << "what was not told is told to be missing";
    EXPECT_EQ(witness->gaps[0].first_seq, 2);
    EXPECT_EQ(witness->gaps[0].last_seq, 16);
    EXPECT_FALSE(queue.status().detached);
}

TEST(SinkQueue, DetachesASinkThatStaysFull) {
    const auto witness = std::make_shared<Witness>();
    witness->open = false;
    SinkQueue queue(std::make_unique<TestSink>(witness), {.events_max = 2, .block_max = 10ms, .close_max = 5s});
    queue.push(event(1));
    witness->wait_until_entered();
    for (int seq = 2; seq <= 4; ++seq)
        queue.push(event(seq));
    EXPECT_TRUE(queue.status().detached);
    EXPECT_NE(queue.status().why.find("2 events"), std::string::npos);
    witness->release();
    queue.close();
}

TEST(SinkQueue, DetachesASinkThatFails) {
    const auto witness = std::make_shared<Witness>();
    witness->fails = true;
    SinkQueue queue(std::make_unique<TestSink>(witness), {});
    queue.push(event(1));
    queue.close();
    EXPECT_TRUE(queue.status().detached);
    EXPECT_EQ(queue.status().why, "full");
}

TEST(SinkQueue, HasAHangingSinkGiveUpWhatItHolds) {
    for (const bool is_full : {true, false}) {
        const auto witness = std::make_shared<Witness>();
        witness->open = false;
        witness->obeys = true;
        {
            SinkQueue queue(std::make_unique<TestSink>(witness),
                            {.events_max = 2, .block_max = 10ms, .close_max = 10ms});
            queue.push(event(1));
            witness->wait_until_entered();
            for (int seq = 2; seq <= (is_full ? 4 : 2); ++seq)
                queue.push(event(seq));
            EXPECT_EQ(queue.status().detached, is_full);
            queue.close();
            EXPECT_TRUE(queue.status().detached);
        }
        EXPECT_TRUE(witness->destroyed) << "no thread holds it any more";
    }
}

TEST(SinkQueue, LeavesAHangingSinkBehind) {
    const auto witness = std::make_shared<Witness>();
    witness->open = false;
    {
        SinkQueue queue(std::make_unique<TestSink>(witness), {.events_max = 8, .block_max = 0ms, .close_max = 10ms});
        queue.push(event(1));
        queue.close();
        EXPECT_TRUE(queue.status().detached);
    }
    witness->release(); // the abandoned thread ends now, on memory that is still there
}

} // namespace
} // namespace castra
