// SPDX-License-Identifier: Apache-2.0
#include "config/names.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

TEST(Name, IsLettersDigitsAndInnerHyphens) {
    for (const auto* name : {"a", "0", "web", "web-0", "a--b", "1-2-3"})
        EXPECT_TRUE(is_name(name)) << name;
    for (const auto* name : {"", "-", "-a", "a-", "Web", "a_b", "a.b", "a b", "../a", "a/b", "a,b", "\xc3\xa4"})
        EXPECT_FALSE(is_name(name)) << name;
}

TEST(Name, HasAtMostSixtyThreeLetters) {
    EXPECT_TRUE(is_name(std::string(63, 'a')));
    EXPECT_FALSE(is_name(std::string(64, 'a')));
}

TEST(DidYouMean, FindsSlipsOfTheHand) {
    const std::vector<std::string> keys{"memory", "cpus", "name", "port_forwards", "description"};
    EXPECT_EQ(did_you_mean("memroy", keys), "memory"); // swapped
    EXPECT_EQ(did_you_mean("cpu", keys), "cpus");      // missing
    EXPECT_EQ(did_you_mean("names", keys), "name");    // one too many
    EXPECT_EQ(did_you_mean("port-forward", keys), "port_forwards");
    EXPECT_EQ(did_you_mean("desciption", keys), "description");
}

TEST(DidYouMean, StaysSilentWhenNothingIsNear) {
    const std::vector<std::string> keys{"memory", "cpus", "id"};
    EXPECT_EQ(did_you_mean("disk", keys), std::nullopt);
    EXPECT_EQ(did_you_mean("x", keys), std::nullopt);
    EXPECT_EQ(did_you_mean("", keys), std::nullopt);
    EXPECT_EQ(did_you_mean(std::string(100000, 'm'), keys), std::nullopt);
    EXPECT_EQ(did_you_mean("memory", {}), std::nullopt);
}

TEST(DidYouMean, PrefersTheNearest) {
    EXPECT_EQ(did_you_mean("verify_pat", {"verify_command", "verify_path", "verify_pet"}), "verify_path");
}

} // namespace
} // namespace castra
