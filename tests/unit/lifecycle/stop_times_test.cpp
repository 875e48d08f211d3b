// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/stop_times.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

using Ms = Milliseconds;

TEST(StopTimesTest, ALimitCutsWhatIsLeft) {
    StopTimes times{Ms(20), Ms(10), Ms(5), {}};
    EXPECT_EQ(times.left_of(times.sigterm, Ms(1000)), Ms(10)) << "without one nothing is cut";
    times.limit = Ms(25);
    EXPECT_EQ(times.left_of(times.graceful, Ms(0)), Ms(20));
    EXPECT_EQ(times.left_of(times.sigterm, Ms(0)), Ms(10)) << "the guest could not be asked: the time is still there";
    EXPECT_EQ(times.left_of(times.sigterm, Ms(20)), Ms(5));
    EXPECT_EQ(times.left_of(times.sigterm, Ms(25)), Ms(0));
    EXPECT_EQ(times.left_of(times.sigterm, Ms(99)), Ms(0));
}

TEST(StopTimesTest, EachVmHasItsOwnOrTheUsual) {
    StopPlan plan{{Ms(20), Ms(10), Ms(5), {}}, {}, {}};
    plan.of_vm["own"] = {Ms(1), Ms(2), Ms(3), {}};
    EXPECT_EQ(plan.of("own"), plan.of_vm["own"]);
    EXPECT_EQ(plan.of("other"), plan.usual);
    plan.limit = Ms(2);
    EXPECT_EQ(plan.of("own").limit, Ms(2));
    EXPECT_EQ(plan.of("other"), (StopTimes{Ms(20), Ms(10), Ms(5), Ms(2)}));
}

} // namespace
} // namespace castra
