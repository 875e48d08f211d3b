// SPDX-License-Identifier: Apache-2.0
#include "reporter-console/event_text.hpp"

#include <gtest/gtest.h>

namespace castra::console {
namespace {

sdk::Json event(const std::string& type, const std::string& severity, const std::string& message) {
    return {{"type", type}, {"severity", severity}, {"message", message}, {"vm", "web-0"}, {"elapsed_us", 1000000}};
}

sdk::Json summary(const std::string& outcome) {
    return {{"type", "summary"},  {"severity", outcome == "succeeded" ? "info" : "warn"}, {"message", "m"},
            {"outcome", outcome}, {"exit_code", outcome == "succeeded" ? 0 : 6},          {"operation", "up"}};
}

TEST(EventText, TellsWhatIsPlannedAndLeavesOutWhatOnlyMattersWhenSomethingIsWrong) {
    EventText text;
    EXPECT_NE(text.lines(event("bootstrap.planned", "info", "web-0 would be bootstrapped")).find("would be"),
              std::string::npos);
    EXPECT_EQ(text.lines(event("vm.overlay_prepared", "info", "m")), "");
    EXPECT_NE(text.lines(event("vm.overlay_prepared", "warn", "m")), "");
    EXPECT_EQ(text.lines(event("message", "progress", "m")), "");
}

TEST(EventText, IsQuietAboutAllThatIsWell) {
    EventText text({.quiet = true});
    EXPECT_EQ(text.lines(event("vm.ready", "info", "m")), "");
    EXPECT_EQ(text.lines(summary("succeeded")), "");
    EXPECT_NE(text.lines(event("message", "warn", "look")).find("warning: look"), std::string::npos);
    EXPECT_NE(text.lines(event("vm.exited", "error", "gone")).find("error: gone"), std::string::npos);
    EXPECT_NE(text.lines(event("message", "blocker", "stop")), "");
    EXPECT_NE(text.lines(summary("partial")).find("up partial"), std::string::npos);
}

TEST(EventText, SaysACauseLineByLineAndNothingTwice) {
    EventText text;
    auto failed = event("bootstrap.step", "error", "web-0: apply failed");
    failed["remediation"] = "install it";
    failed["error"] = {{"detail", "last output:\ninstalling\nnot found\n\n"}};
    EXPECT_EQ(text.lines(failed), "  1.00s  x  web-0  error: web-0: apply failed\n"
                                  "           last output:\n           installing\n           not found\n"
                                  "           try: install it\n");
    failed["message"] = "web-0: bootstrap failed at apply";
    EXPECT_EQ(text.lines(failed), "  1.00s  x  web-0  error: web-0: bootstrap failed at apply\n") << "the same cause";

    auto refused = event("command.rejected", "error", "castra.toml:1:1: unknown key (and 1 more)");
    refused["remediation"] = "did you mean memory?";
    refused["error"] = {{"detail", "castra.toml:1:1: unknown key (did you mean memory?)\ncastra.toml:2:1: no name"}};
    EXPECT_EQ(text.lines(refused), "  1.00s  x  web-0  error: castra.toml:1:1: unknown key (and 1 more)\n"
                                   "           try: did you mean memory?\n           castra.toml:2:1: no name\n")
        << "a cure stands behind what it cures";
}

TEST(EventText, EndsWithWhatOnlyTheSummaryKnows) {
    EventText text;
    auto end = event("summary", "info", "nothing to do: nothing is up");
    end.update({{"outcome", "succeeded"}, {"operation", "down"}, {"duration_ms", 10}, {"exit_code", 0}});
    EXPECT_EQ(text.lines(end), "down succeeded in  0.01s: nothing to do: nothing is up\n");
    end.update({{"outcome", "aborted"}, {"message", "aborted: the supervisor ended"}, {"exit_code", 9}});
    end["duration_ms"] = 120120;
    EXPECT_EQ(text.lines(end), "down aborted in 120.12s, exit code 9: the supervisor ended\n");
    end.update({{"outcome", "failed"}, {"message", "failed: told before"}});
    EXPECT_EQ(text.lines(end), "down failed in 120.12s, exit code 9\n");
}

TEST(EventText, KnowsNoTypeAndShowsItsMessage) {
    EXPECT_NE(EventText().lines(event("x.mine.thing", "info", "something")).find("something"), std::string::npos);
}

} // namespace
} // namespace castra::console
