// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/guest_state.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

// As launcher-qemu plans it, and as QEMU 7.2 answers.
sdk::StateQuery query() {
    return {"qmp", {}, R"re("status":\s*"([a-z-]+)")re", "running", {{"io-error", "free some space"}}};
}
std::string answer(const std::string& word) {
    return R"({"return": {"status": ")" + word + R"(", "singlestep": false, "running": false}, "id": "castra-state"})";
}

TEST(GuestState, IsTheWordOfTheAnswer) {
    EXPECT_TRUE(guest_state_in(answer("running"), query())->runs);
    const auto stopped = guest_state_in(answer("io-error"), query());
    ASSERT_TRUE(stopped);
    EXPECT_FALSE(stopped->runs);
    EXPECT_EQ(stopped->word, "io-error");
    EXPECT_EQ(stopped->hint, "free some space");
    EXPECT_EQ(guest_state_in(answer("paused"), query())->hint, "");
}

TEST(GuestState, IsNothingWhereTheAnswerOrTheExpressionIsNone) {
    EXPECT_EQ(guest_state_in("{}", query()).error().code, ErrorCode::protocol);
    for (const auto* row : {"(", "status", "(a)(b)"}) {
        auto bad = query();
        bad.row = row;
        EXPECT_EQ(guest_state_in(answer("running"), bad).error().code, ErrorCode::protocol) << row;
    }
}

} // namespace
} // namespace castra
