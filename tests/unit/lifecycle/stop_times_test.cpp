// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/stop_times.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

constexpr StopTimes times{Milliseconds(20), Milliseconds(10), Milliseconds(5)};

TEST(StopTimesTest, ALimitCutsTheLaterWaitFirstAndLeavesTheLastOne) {
    EXPECT_EQ(times.within(Milliseconds(31)), times);
    EXPECT_EQ(times.within(Milliseconds(30)), times);
    EXPECT_EQ(times.within(Milliseconds(25)), (StopTimes{Milliseconds(20), Milliseconds(5), Milliseconds(5)}));
    EXPECT_EQ(times.within(Milliseconds(7)), (StopTimes{Milliseconds(7), Milliseconds(0), Milliseconds(5)}));
    EXPECT_EQ(times.within(Milliseconds(0)), (StopTimes{Milliseconds(0), Milliseconds(0), Milliseconds(5)}));
}

TEST(StopTimesTest, EachVmHasItsOwnOrTheUsual) {
    StopPlan plan{times, {}, {}};
    plan.of_vm["own"] = {Milliseconds(1), Milliseconds(2), Milliseconds(3)};
    EXPECT_EQ(plan.of("own"), plan.of_vm["own"]);
    EXPECT_EQ(plan.of("other"), times);
    plan.limit = Milliseconds(2);
    EXPECT_EQ(plan.of("own"), (StopTimes{Milliseconds(1), Milliseconds(1), Milliseconds(3)}));
    EXPECT_EQ(plan.of("other").graceful, Milliseconds(2));
}

} // namespace
} // namespace castra
