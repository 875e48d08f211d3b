// SPDX-License-Identifier: Apache-2.0
#include "broker-process/process_broker.hpp"

#include "castra/sdk/refusal.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace castra::broker_process {
namespace {

const sdk::BrokerPlanRequest request{"fleet", {"/s/broker", "/r"}, 0};

TEST(ProcessBroker, PlansTheCliItWasGiven) {
    const auto plan = ProcessBroker(sdk::Json{{"cli", "/opt/castra"}}).plan(request);
    EXPECT_TRUE(plan.enabled);
    ASSERT_GE(plan.argv.size(), 2U);
    EXPECT_EQ(plan.argv[0], "/opt/castra");
    EXPECT_EQ(plan.argv[1], "broker");
    EXPECT_EQ(std::ranges::count(plan.argv, "--port"), 0);
    ASSERT_EQ(plan.sockets.size(), 1U);
    EXPECT_EQ(plan.sockets[0].path, "/r/b");
    EXPECT_EQ(plan.readiness.kind, "notify");
    for (const auto* place : {"{fd:control}", "{fd:notify}", "{fd:host}"})
        EXPECT_EQ(std::ranges::count(plan.argv, place), 1) << place;
}

TEST(ProcessBroker, ListensOnThePortThatWasLeased) {
    auto with_port = request;
    with_port.port = 7070;
    const auto argv = ProcessBroker(sdk::Json{{"cli", "/opt/castra"}}).plan(with_port).argv;
    const auto at = std::ranges::find(argv, "--port");
    ASSERT_NE(at, argv.end());
    EXPECT_EQ(*(at + 1), "7070");
}

TEST(ProcessBroker, NeverGuessesWhichProgram) {
    for (const auto& config : {sdk::Json::object(), sdk::Json{{"cli", "castra"}}, sdk::Json{{"cli", 1}}})
        EXPECT_THROW(ProcessBroker{config}, sdk::Refusal) << config;
}

} // namespace
} // namespace castra::broker_process
