// SPDX-License-Identifier: Apache-2.0
#include "reporter-console/live_view.hpp"
#include "reporter-console/printable.hpp"
#include "reporter-console/screen.hpp"

#include <gmock/gmock.h>

namespace castra::console {
namespace {

using sdk::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Json event(const std::string& type, const std::string& vm, double at, Json more = Json::object()) {
    Json made{{"type", type},           {"severity", "info"}, {"message", type + " of " + vm},
              {"elapsed_us", at * 1e6}, {"operation", "up"},  {"project", "p"}};
    if (!vm.empty()) made["vm"] = vm;
    made.update(more);
    return made;
}
Json accepted(int count) {
    Json expects = Json::array();
    for (int i = 0; i < count; ++i)
        expects.push_back({{"kind", "vm"}, {"name", "web-" + std::to_string(i)}});
    return event("command.accepted", "", 0, {{"expects", expects}});
}
Json warning(const std::string& vm, double at, const std::string& severity = "warn") {
    return event("message", vm, at, {{"severity", severity}, {"message", vm + ": no KVM"}});
}
bool is_dim(const std::string& line) {
    return line.starts_with("\x1b[2m");
}

TEST(LiveView, ShowsWorkInFlightWithPhaseAndTimeAndTheRestAsNumbers) {
    LiveView view;
    view.take(accepted(3), 100);
    view.take(event("vm.launch", "web-0", 1), 101);
    view.take(event("vm.image_verified", "web-1", 2), 102);
    EXPECT_THAT(view.frame(104.5, 60, 10), ElementsAre("  web-0  boot       3.50s  ", "  web-1  prepare    2.50s  ",
                                                       "up p   4.50s  0 of 3 done, 1 waiting"));
    EXPECT_EQ(view.take(event("vm.ready", "web-0", 5), 105), "  5.00s  +  web-0  vm.ready of web-0\n");
    EXPECT_THAT(view.frame(105, 60, 10),
                ElementsAre("  web-1  prepare    3.00s  ", "up p   5.00s  1 of 3 done, 1 waiting"));
}

TEST(LiveView, ShowsProgressAsABar) {
    LiveView view;
    view.take(event("image", "a", 1,
                    {{"severity", "progress"}, {"message", "copy"}, {"progress", {{"current", 3}, {"total", 4}}}}),
              1);
    EXPECT_EQ(view.frame(1, 60, 10)[0], "  a  prepare    0.00s  [#######...] 75%  copy");
}

TEST(LiveView, NamesTheStepOfABootstrapThatIsInWork) {
    LiveView view;
    const auto shown = [&](const std::string& type, Json more) {
        view.take(event(type, "a", 1, std::move(more)), 1);
        return view.frame(1, 60, 10)[0];
    };
    view.take(event("bootstrap.planned", "a", 1, {{"steps", {"connect", "apply"}}}), 1);
    EXPECT_THAT(shown("bootstrap.started", Json::object()), HasSubstr("connect"));
    EXPECT_THAT(shown("bootstrap.step", {{"step", "connect"}}), HasSubstr("apply"));
    EXPECT_THAT(shown("bootstrap.step", {{"step", "apply"}}), HasSubstr("bootstrap"));
    EXPECT_THAT(shown("bootstrap.step", {{"step", "of nobody"}}), HasSubstr("bootstrap"));
}

TEST(LiveView, IsGoneBeforeTheFirstEventAndAfterTheSummary) {
    LiveView view;
    EXPECT_THAT(view.frame(0, 80, 10), IsEmpty());
    view.take(accepted(1), 0);
    EXPECT_THAT(view.frame(0, 80, 10), Not(IsEmpty()));
    EXPECT_THAT(view.take(event("summary", "", 2, {{"outcome", "succeeded"}, {"duration_ms", 2000}}), 2),
                HasSubstr("up succeeded"));
    EXPECT_THAT(view.frame(2, 80, 10), IsEmpty());
}

TEST(LiveView, FitsTwoHundredVmsIntoAnyTerminal) {
    LiveView view(EventText({.color = true, .verbose = false}));
    view.take(accepted(200), 0);
    for (int i = 0; i < 200; ++i)
        view.take(event("vm.launch", "web-" + std::to_string(i), 1), 1);
    for (const std::size_t columns : {19, 39, 79, 499})
        for (const std::size_t rows : {1, 2, 3, 8, 22, 300}) {
            const auto frame = view.frame(2, columns, rows);
            EXPECT_LE(frame.size(), rows);
            for (const auto& line : frame)
                EXPECT_LE(columns_of(line), columns + (line.starts_with("\x1b") ? 8 : 0)) << line; // its colour
        }
    EXPECT_THAT(view.frame(2, 79, 5), ElementsAre(HasSubstr("web-"), HasSubstr("web-"), HasSubstr("web-"),
                                                  HasSubstr("and 197 more in work"), HasSubstr("of 200 done")));
}

TEST(LiveView, SaysAWarningOnceAndCountsTheOthers) {
    LiveView view;
    view.take(accepted(3), 0);
    EXPECT_THAT(view.take(warning("web-0", 1), 1), HasSubstr("warning: web-0: no KVM"));
    EXPECT_EQ(view.take(warning("web-1", 1), 1), "");
    EXPECT_EQ(view.take(warning("web-2", 1), 1), "");
    EXPECT_THAT(view.frame(1, 60, 10)[0], "! warning (3 times): web-0  web-0: no KVM");
    EXPECT_THAT(view.take(event("summary", "", 2), 2), HasSubstr("3 times: web-0  web-0: no KVM\n"));
}

TEST(LiveView, DimsWhatItsVmsHaveOvercomeAndBringsItBack) {
    LiveView view(EventText({.color = true, .verbose = false}));
    view.take(accepted(2), 0);
    view.take(warning("web-0", 1), 1);
    view.take(warning("web-1", 1), 1);
    view.take(event("vm.ready", "web-0", 2), 2);
    EXPECT_FALSE(is_dim(view.frame(2, 60, 10)[0])) << "web-1 still has it";
    view.take(event("vm.ready", "web-1", 2), 2);
    EXPECT_TRUE(is_dim(view.frame(2, 60, 10)[0]));
    view.take(warning("web-1", 3), 3);
    EXPECT_FALSE(is_dim(view.frame(3, 60, 10)[0]));
}

TEST(LiveView, NeverHidesABlocker) {
    LiveView view(EventText({.color = true, .verbose = false}));
    view.take(accepted(1), 0);
    for (int i = 0; i < 7; ++i)
        EXPECT_THAT(view.take(warning("web-0", 1, "blocker"), 1), HasSubstr("blocker: ")) << "each is said";
    for (int i = 0; i < 9; ++i)
        view.take(event("message", "web-0", 1, {{"severity", "warn"}, {"message", std::to_string(i)}}), 1);
    view.take(event("vm.ready", "web-0", 2), 2);
    const auto frame = view.frame(2, 60, 30);
    EXPECT_EQ(std::ranges::count_if(frame, [](const auto& line) { return line.find("blocker") != line.npos; }), 7);
    EXPECT_FALSE(is_dim(frame[0]));
    EXPECT_EQ(frame.size(), 7 + attention_lines_max + 1);
    EXPECT_THAT(view.frame(2, 60, 3), ElementsAre(HasSubstr("blocker"), HasSubstr("blocker"), HasSubstr("up p")));
}

TEST(LiveView, LimitsWhatOnlyInformsAndSaysHowMuchItLeftOut) {
    LiveView view;
    std::string log;
    for (int i = 0; i < 50; ++i)
        log += view.take(event("x.other", "", 1), 1);
    EXPECT_EQ(std::ranges::count(log, '\n'), log_lines_max);
    EXPECT_THAT(view.take(warning("a", 1), 1), HasSubstr("no KVM")) << "warnings are not limited";
    EXPECT_THAT(view.take(event("x.other", "", 2), 2), HasSubstr("(30 lines more)\n"));
}

TEST(LiveView, CountsOnlySoManyDifferentWarnings) {
    LiveView view;
    for (std::size_t i = 0; i < groups_max + 10; ++i)
        view.take(event("message", "", 1, {{"severity", "warn"}, {"message", "w" + std::to_string(i)}}), 1);
    const auto late =
        event("message", "", 1, {{"severity", "warn"}, {"message", "w" + std::to_string(groups_max + 1)}});
    EXPECT_THAT(view.take(late, 1), HasSubstr("warning")) << "beyond the limit each is said";
}

TEST(LiveView, SurvivesFieldsOfTheWrongType) {
    LiveView view;
    for (const auto& wrong : {Json(1), Json(nullptr), Json("x"), Json::array({1}), Json::object()})
        for (const auto* type : {"command.accepted", "vm.launch", "summary", "bootstrap.step"})
            view.take({{"type", type},
                       {"severity", wrong},
                       {"vm", "v"},
                       {"message", wrong},
                       {"elapsed_us", wrong},
                       {"expects", wrong},
                       {"progress", wrong},
                       {"step", wrong}},
                      1);
    view.frame(1, 80, 10);
}

TEST(Screen, ReplacesItsLinesAndLetsTheLogScroll) {
    Screen screen;
    EXPECT_EQ(screen.update("log\n", {"a", "b"}, 80, 24), "log\na\nb\n");
    EXPECT_EQ(screen.update("", {"a", "b"}, 80, 24), "");
    EXPECT_EQ(screen.update("", {"a", "c"}, 80, 24), "\r\x1b[2A\x1b[Ja\nc\n");
    EXPECT_EQ(screen.update("more\n", {}, 80, 24), "\r\x1b[2A\x1b[Jmore\n");
    EXPECT_EQ(screen.update("", {}, 80, 24), "");
}

TEST(Screen, ReckonsWithLinesThatANarrowerTerminalWrapped) {
    Screen screen;
    screen.update("", {"\x1b[33m" + std::string(70, 'x') + "\x1b[0m", "b"}, 80, 24);
    EXPECT_EQ(screen.update("", {"c"}, 30, 24), "\r\x1b[4A\x1b[Jc\n"); // 3 rows of x, one of b
}

TEST(Screen, NeverGoesAboveTheTerminal) {
    Screen screen;
    screen.update("", std::vector<std::string>(20, "x"), 80, 24);
    EXPECT_EQ(screen.update("", {"c"}, 80, 5), "\r\x1b[4A\x1b[Jc\n");
}

} // namespace
} // namespace castra::console
