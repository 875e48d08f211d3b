// SPDX-License-Identifier: Apache-2.0
#include "operations/restarts.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

using std::chrono::seconds;

RestartConfig on_failure(Milliseconds backoff, std::int64_t restarts_max) {
    return {"on_failure", backoff, restarts_max};
}

TEST(Restarts, NeverAndASuccessfulEndAreLeftAlone) {
    Restarts restarts;
    EXPECT_FALSE(restarts.decide("a", {}, true, seconds(1)).is_wanted);
    EXPECT_FALSE(restarts.decide("a", on_failure(seconds(1), 5), false, seconds(1)).is_wanted);
}

TEST(Restarts, DoubleTheirWaitUpToItsLimitAndStopAtTheLimitOfTheRow) {
    Restarts restarts;
    const auto config = on_failure(seconds(100), 4);
    std::vector<std::int64_t> waits;
    for (int i = 0; i < 4; ++i) {
        const auto decision = restarts.decide("a", config, true, seconds(0));
        ASSERT_TRUE(decision.is_allowed);
        EXPECT_EQ(decision.attempt, i + 1);
        waits.push_back(decision.wait.count());
    }
    EXPECT_EQ(waits, (std::vector<std::int64_t>{100'000, 200'000, 300'000, 300'000}));
    const auto last = restarts.decide("a", config, true, seconds(0));
    EXPECT_TRUE(last.is_wanted);
    EXPECT_FALSE(last.is_allowed);
    EXPECT_TRUE(restarts.decide("b", config, true, seconds(0)).is_allowed) << "each VM has a row of its own";
}

TEST(Restarts, AWaitThatIsLongFromTheBeginningIsKept) {
    Restarts restarts;
    EXPECT_EQ(restarts.decide("a", on_failure(seconds(86400), 5), true, {}).wait, seconds(86400));
    EXPECT_EQ(restarts.decide("a", on_failure(seconds(86400), 5), true, {}).wait, seconds(86400));
}

TEST(Restarts, AVmThatWasUpForLongBeginsANewRow) {
    Restarts restarts;
    const auto config = on_failure(seconds(1), 1);
    EXPECT_TRUE(restarts.decide("a", config, true, seconds(0)).is_allowed);
    EXPECT_FALSE(restarts.decide("a", config, true, seconds(599)).is_allowed);
    EXPECT_TRUE(restarts.decide("a", config, true, seconds(600)).is_allowed);
}

TEST(Restarts, OnlyTheLatestWaitCounts) {
    Restarts restarts;
    const auto first = restarts.schedule("a");
    const auto second = restarts.schedule("a");
    EXPECT_FALSE(restarts.is_waiting("a", first));
    EXPECT_TRUE(restarts.is_waiting("a", second));
    restarts.forget("a");
    EXPECT_FALSE(restarts.is_waiting("a", second));
    EXPECT_TRUE(restarts.is_empty());
}

} // namespace
} // namespace castra
