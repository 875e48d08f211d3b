// SPDX-License-Identifier: Apache-2.0
// Today's host runs plugins of border 1.0, built from the frozen headers; the other direction is frozen/1.0/host.c.
// Compiled once, run in-process and isolated.
#include "corpus.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "castra/sdk/launch_plan.hpp"

#include <gmock/gmock.h>

namespace castra {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Matrix : public Corpus {};

TEST_F(Matrix, RunsALauncherOf10) {
    auto launcher = make("frozen-1-0", CASTRA_LAUNCHER_V1);
    // As today's kernel writes it: with whatever it has learned to say since.
    const sdk::PlanRequest request{.vm = {.name = "web-0", .project = "p", .memory_bytes = 1 << 20},
                                   .paths = {.state_dir = "/s", .runtime_dir = "/r"}};
    const auto plan = launcher.call(CASTRA_LAUNCHER_PLAN, json(request));
    ASSERT_TRUE(plan) << plan.error().text;
    const auto typed = plan->get<sdk::LaunchPlan>();
    EXPECT_THAT(typed.argv, ElementsAre("echo", "web-0", "0"));
    EXPECT_EQ(typed.env.at("MEMORY"), "1048576");
    EXPECT_EQ(typed.working_dir, "/s");
}

TEST_F(Matrix, RunsABrokerLauncherOf10) {
    auto broker = make("frozen-1-0", CASTRA_BROKER_LAUNCHER_V1, {{"greeting", "hi"}});
    const auto plan = broker.call(CASTRA_BROKER_LAUNCHER_PLAN,
                                  {{"project", "p"}, {"paths", {{"runtime_dir", "/run/x"}}}, {"port", 9}});
    ASSERT_TRUE(plan) << plan.error().text;
    EXPECT_EQ(plan->at("argv"), (json{"hi", "p", "9"}));
}

TEST_F(Matrix, RunsAStepOf10ThatEmits) {
    auto step = make("frozen-1-0", CASTRA_BOOTSTRAP_STEP_V1);
    json request{{"vm", {{"name", "web-0"}, {"ssh", {{"host", "127.0.0.1"}, {"port", 2222}}}}}, {"inputs", {{"a", 1}}}};
    const auto plan = step.call(CASTRA_BOOTSTRAP_STEP_PLAN, request);
    ASSERT_TRUE(plan) << plan.error().text;
    EXPECT_EQ(plan->at("reason"), "ssh to port 2222");
    request["plan"] = *plan;
    const auto applied = step.call(CASTRA_BOOTSTRAP_STEP_APPLY, request);
    ASSERT_TRUE(applied) << applied.error().text;
    EXPECT_EQ(applied->at("detail"), R"(kept {"kept":7})");
    ASSERT_EQ(host.emitted.size(), 1U);
    EXPECT_EQ(host.emitted[0]["type"], "x.good-all.half");
}

TEST_F(Matrix, RunsAReporterOf10AndShowsItsRefusal) {
    auto reporter = make("frozen-1-0", CASTRA_REPORTER_V1);
    const auto refused =
        reporter.call(CASTRA_REPORTER_OPEN,
                      {{"run_id", "r"}, {"operation", "refuse"}, {"project", "p"}, {"terminal", json::object()}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text, "plugin frozen-1-0, open: will not: today");
    EXPECT_EQ(refused.error().hint, "ask later");
    const json event{{"type", "vm.ready"}, {"seq", 1}, {"severity", "info"}, {"vm", "web-0"}, {"line", "{}"}};
    ASSERT_TRUE(reporter.call(CASTRA_REPORTER_EVENTS, {{"events", {event}}}));
    EXPECT_THAT(host.logged, ElementsAre(HasSubstr("vm.ready web-0")));
}

TEST_F(Matrix, RunsAReporterOf10InPlainC) {
    auto reporter = make("frozen-1-0-c", CASTRA_REPORTER_V1);
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_EVENTS, {{"events", json::array()}}));
    EXPECT_EQ(reporter.call(CASTRA_REPORTER_CLOSE, json::object())->at("batches"), 1);
}

} // namespace
} // namespace castra
