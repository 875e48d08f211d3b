// SPDX-License-Identifier: Apache-2.0
#include "contract/plan_diff.hpp"

#include <gtest/gtest.h>

namespace castra::contract {
namespace {

Json event(const char* type, const char* vm, Json fields = Json::object()) {
    Json out{{"type", type}, {"family", "bootstrap"}, {"vm", vm}};
    out.update(fields);
    return out;
}

Json planned(const char* vm, Json fields = Json::object()) {
    auto out = event("bootstrap.planned", vm,
                     {{"mode", "auto"},
                      {"action", "would_run"},
                      {"reason", "never"},
                      {"steps", {"connect", "apply"}},
                      {"artifact_hash", "sha256:1"}});
    out.update(fields);
    return out;
}

class PlanDiffTest : public ::testing::Test {
protected:
    void was(const char* vm, Json replanned, std::vector<const char*> steps, const Json& end) {
        diff_.run(replanned);
        for (const auto* step : steps)
            diff_.run(event("bootstrap.step", vm, {{"step", step}, {"status", "success"}}));
        if (!end.is_null()) diff_.run(end);
    }
    Json completed(const char* vm, const char* status) {
        return event("bootstrap.completed", vm, {{"status", status}});
    }

    // "vm what planned actual"
    std::vector<std::string> told() const {
        std::vector<std::string> out;
        for (const auto& one : diff_.differences())
            out.push_back(one.vm + " " + one.what + " " + one.planned.dump() + " " + one.actual.dump());
        return out;
    }
    PlanDiff diff_;
};

using Texts = std::vector<std::string>;

TEST_F(PlanDiffTest, ARunAsPlannedHasNoneAndWordsDoNotCount) {
    diff_.plan(planned("a"));
    was("a", planned("a", {{"reason", "another text"}, {"warnings", {"x"}}}), {"connect", "apply"},
        completed("a", "success"));
    EXPECT_EQ(told(), Texts{});
    EXPECT_EQ(diff_.vms(), 1U);
}

TEST_F(PlanDiffTest, WhatChangedBetweenPlanAndRunIsNamed) {
    diff_.plan(planned("a"));
    was("a", planned("a", {{"artifact_hash", "sha256:2"}, {"remote_dir", "/x"}}), {"connect", "apply"},
        completed("a", "success"));
    EXPECT_EQ(told(), (Texts{"a remote_dir null \"/x\"", "a artifact_hash \"sha256:1\" \"sha256:2\""}));
}

TEST_F(PlanDiffTest, APortThatOnlyALaunchDecidesIsAsPlanned) {
    diff_.plan(planned("a", {{"ssh", {{"host", "h"}, {"port", 0}}}}));
    was("a", planned("a", {{"ssh", {{"host", "h"}, {"port", 2222}}}}), {"connect", "apply"}, completed("a", "success"));
    EXPECT_EQ(told(), Texts{});
    diff_.plan(planned("a", {{"ssh", {{"host", "other"}, {"port", 0}}}}));
    EXPECT_EQ(told().size(), 1U);
}

TEST_F(PlanDiffTest, ResultsAreHeldAgainstWhatWasPromised) {
    diff_.plan(planned("failed"));
    was("failed", planned("failed"), {"connect"},
        event("bootstrap.failed", "failed", {{"step", "apply"}, {"error", {{"code", "timeout"}}}}));
    diff_.plan(planned("noop", {{"action", "would_skip"}}));
    was("noop", planned("noop", {{"action", "would_skip"}}), {"connect"}, completed("noop", "noop"));
    diff_.plan(planned("off", {{"action", "would_skip"}, {"mode", "skip"}}));
    was("off", planned("off", {{"action", "would_skip"}, {"mode", "skip"}}), {}, {});
    diff_.plan(planned("never"));
    was("unplanned", planned("unplanned"), {"connect", "apply"}, completed("unplanned", "success"));
    EXPECT_EQ(told(), (Texts{"failed result \"success\" \"failed at apply: timeout\"", "never result \"success\" null",
                             "unplanned result null \"success\""}));
}

TEST_F(PlanDiffTest, StepsOfASuccessAreComparedInTheirOrder) {
    diff_.plan(planned("a"));
    was("a", planned("a"), {"apply", "connect"}, completed("a", "success"));
    EXPECT_EQ(told(), Texts{"a steps_done [\"connect\",\"apply\"] [\"apply\",\"connect\"]"});
}

TEST_F(PlanDiffTest, WhatIsNoBootstrapIsPassedOver) {
    for (const auto& odd :
         {Json(), Json(1), Json::array(), Json{{"family", "vm"}, {"vm", "a"}},
          Json{{"family", "bootstrap"}, {"type", "bootstrap.planned"}}, Json{{"family", 1}, {"type", 2}, {"vm", 3}}}) {
        diff_.plan(odd);
        diff_.run(odd);
    }
    EXPECT_EQ(diff_.vms(), 0U);
    EXPECT_FALSE(diff_.has_plan());
}

} // namespace
} // namespace castra::contract
