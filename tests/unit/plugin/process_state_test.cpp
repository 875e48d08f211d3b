// SPDX-License-Identifier: Apache-2.0
#include "plugin/process_state.hpp"

#include <condition_variable>
#include <gmock/gmock.h>
#include <mutex>
#include <thread>

namespace castra {
namespace {

// A thread that lives until it is told to end.
class Held {
public:
    Held()
        : thread_([this] {
              std::unique_lock lock(mutex_);
              changed_.wait(lock, [this] { return ends_; });
          }) {}
    ~Held() {
        {
            const std::scoped_lock lock(mutex_);
            ends_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ends_ = false;
    std::thread thread_;
};

TEST(ProcessState, BlamesNobodyForAThreadThatEnded) {
    auto held = std::make_unique<Held>();
    const auto before = ProcessState::capture();
    held.reset();
    EXPECT_THAT(before.differences(ProcessState::capture()), testing::IsEmpty());
}

TEST(ProcessState, SeesANewThreadThoughAnotherEnded) {
    auto held = std::make_unique<Held>();
    const auto before = ProcessState::capture();
    const Held added;
    held.reset();
    EXPECT_THAT(before.differences(ProcessState::capture()), testing::ElementsAre("the number of threads"));
}

} // namespace
} // namespace castra
