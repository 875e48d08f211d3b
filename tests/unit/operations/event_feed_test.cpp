// SPDX-License-Identifier: Apache-2.0
#include "operations/event_feed.hpp"
#include "operations/event_filter.hpp"
#include "state/journal_retention.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace castra {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

std::string id(int number) {
    return "01ARYZ6S41000000000000000" + std::to_string(number);
}

std::string line(int seq, const std::string& type = "message") {
    return R"({"type":")" + type + R"(","outcome":"succeeded","seq":)" + std::to_string(seq) + "}\n";
}

// Notes what it is told: "1:2" for event 2 of run 1, "gap pruned 1:3-5 +2" for a gap.
class Notes final : public FeedReader {
public:
    Result<> take(const std::string& run_id, const std::vector<FeedEvent>& events) override {
        for (const auto& event : events) {
            EXPECT_EQ(contract::Json::parse(event.line), event.event);
            told.push_back(run_id.substr(25) + ":" + event.event["seq"].dump());
        }
        if (on_take) on_take();
        return {};
    }
    void gap(const FeedGap& gap) override {
        told.push_back("gap " + gap.reason + " " + (gap.run_id.empty() ? "" : gap.run_id.substr(25)) + ":" +
                       std::to_string(gap.first_seq) + "-" + std::to_string(gap.last_seq) + " +" +
                       std::to_string(gap.runs));
        EXPECT_EQ(to_json(gap)["gap"]["reason"], gap.reason);
    }
    Strings told;
    std::function<void()> on_take;
};

class EventFeedTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "castra-feed.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        dir = name;
    }
    void TearDown() override { fs::remove_all(dir); }

    fs::path file(int number) { return dir / (id(number) + ".ndjson"); }
    void append(int number, const std::string& text) { std::ofstream(file(number), std::ios::app) << text; }
    void sealed_run(int number, int events) {
        for (int seq = 1; seq < events; ++seq)
            append(number, line(seq));
        append(number, line(events, "summary"));
    }
    void prune(int number) {
        const JournalStore store(dir);
        ASSERT_TRUE(bury(store, {digest_of(*store.find(id(number)))}));
        fs::remove(file(number));
    }
    // Each next step is taken when nothing more happens by itself.
    Strings feed(FeedRequest request, const std::vector<std::function<void()>>& steps = {}) {
        Notes notes;
        Gate stop(loop.get_executor());
        EventFeed events(loop.get_executor(), dir, notes);
        bool ended = false;
        loop.restart();
        asio::co_spawn(
            loop, [&]() -> Task<> { result = co_await events.run(std::move(request), stop); },
            [&](const std::exception_ptr& thrown) {
                EXPECT_FALSE(thrown);
                ended = true;
            });
        const auto settle = [&] {
            while (!ended && loop.run_for(std::chrono::milliseconds(100)) > 0)
                loop.restart();
            loop.restart();
        };
        settle();
        for (const auto& step : steps) {
            notes.told.push_back("|");
            step();
            settle();
        }
        has_ended = ended;
        if (!ended) stop.open();
        while (!ended && loop.run_for(std::chrono::seconds(5)) > 0)
            loop.restart();
        return notes.told;
    }
    static FeedRequest since(int run, std::int64_t seq, bool follow = false) {
        return {"", EventCursor{id(run), seq}, follow};
    }

    asio::io_context loop;
    fs::path dir;
    Result<> result;
    bool has_ended = false;
};

TEST_F(EventFeedTest, ShowsTheLatestRunUnlessAskedForAnother) {
    sealed_run(1, 2);
    sealed_run(2, 3);
    EXPECT_EQ(feed({}), (Strings{"2:1", "2:2", "2:3"}));
    EXPECT_EQ(feed({"latest", {}, false}), (Strings{"2:1", "2:2", "2:3"}));
    EXPECT_EQ(feed({id(1), {}, false}), (Strings{"1:1", "1:2"}));
    EXPECT_TRUE(result);
}

TEST_F(EventFeedTest, FindsARunByTheBeginningOfItsId) {
    append(1, "");
    std::ofstream(dir / "01BRYZ6S410000000000000001.ndjson") << line(1, "summary");
    EXPECT_EQ(resolve_run(JournalStore(dir), "01b").value(), "01BRYZ6S410000000000000001");
    EXPECT_EQ(resolve_run(JournalStore(dir), "01").error().code, ErrorCode::usage);
    EXPECT_EQ(resolve_run(JournalStore(dir), "02").error().code, ErrorCode::not_found);
    EXPECT_EQ(resolve_run(JournalStore(dir), "").error().code, ErrorCode::not_found);
}

TEST_F(EventFeedTest, GoesOnBehindACursorThroughLaterRuns) {
    sealed_run(1, 3);
    sealed_run(2, 1);
    sealed_run(3, 2);
    EXPECT_EQ(feed(since(1, 2)), (Strings{"1:3", "2:1", "3:1", "3:2"}));
    EXPECT_EQ(feed(since(1, 3)), (Strings{"2:1", "3:1", "3:2"}));
    EXPECT_EQ(feed(since(3, 0)), (Strings{"3:1", "3:2"}));
    EXPECT_EQ(feed(since(3, 2)), Strings{});
    EXPECT_EQ(feed({id(1), EventCursor{id(1), 1}, false}), (Strings{"1:2", "1:3"}));
    EXPECT_TRUE(result);
}

TEST_F(EventFeedTest, RefusesRunsThatNeverWere) {
    EXPECT_EQ(feed({}), Strings{});
    EXPECT_EQ(result.error().code, ErrorCode::not_found);
    sealed_run(2, 1);
    EXPECT_EQ(feed({id(3), {}, false}), Strings{});
    EXPECT_EQ(result.error().code, ErrorCode::not_found);
    EXPECT_EQ(feed(since(1, 1)), Strings{});
    EXPECT_EQ(result.error().code, ErrorCode::not_found);
    EXPECT_EQ(feed({id(2), EventCursor{id(1), 1}, false}), Strings{});
    EXPECT_EQ(result.error().code, ErrorCode::usage);
}

TEST_F(EventFeedTest, TellsOfPrunedRunsAsGaps) {
    for (int i = 1; i <= 4; ++i)
        sealed_run(i, 3);
    prune(1);
    prune(2);
    EXPECT_EQ(feed({id(1), {}, false}), Strings{"gap pruned 1:1-3 +0"});
    EXPECT_TRUE(result);
    EXPECT_EQ(feed(since(1, 1)),
              (Strings{"gap pruned 1:2-3 +0", "gap pruned 2:0-0 +1", "3:1", "3:2", "3:3", "4:1", "4:2", "4:3"}));
    EXPECT_EQ(feed(since(2, 3)), (Strings{"3:1", "3:2", "3:3", "4:1", "4:2", "4:3"})) << "had it all";
    EXPECT_EQ(feed(since(2, 2)).front(), "gap pruned 2:3-3 +0");
    EXPECT_EQ(feed({}), (Strings{"4:1", "4:2", "4:3"})) << "nobody asked for what is gone";
}

TEST_F(EventFeedTest, TellsOfACursorBeyondTheEnd) {
    sealed_run(1, 3);
    sealed_run(2, 1);
    EXPECT_EQ(feed(since(1, 7)), (Strings{"gap beyond 1:4-7 +0", "2:1"}));
}

TEST_F(EventFeedTest, TellsOfDamageAndGoesOn) {
    append(1, line(1) + "not JSON\n" + line(2) + line(5) + line(6, "summary"));
    EXPECT_EQ(feed({}), (Strings{"gap damaged 1:2-0 +0", "gap missing 1:3-4 +0", "1:1", "1:2", "1:5", "1:6"}));
}

TEST_F(EventFeedTest, ShowsARunThatGoesOnUpToNowWithoutItsTornEnd) {
    append(1, line(1) + "{\"type\":\"mess");
    EXPECT_EQ(feed({}), Strings{"1:1"});
    EXPECT_TRUE(has_ended);
}

TEST_F(EventFeedTest, FollowsANamedRunToItsSummary) {
    append(1, line(1));
    const auto told = feed({id(1), {}, true}, {[&] { append(1, line(2)); }, [&] { append(1, R"({"type")"); },
                                               [&] { append(1, R"(:"message","seq":3})" + std::string("\n")); },
                                               [&] { append(1, line(4, "summary")); }});
    EXPECT_EQ(told, (Strings{"1:1", "|", "1:2", "|", "|", "1:3", "|", "1:4"}));
    EXPECT_TRUE(has_ended);
}

TEST_F(EventFeedTest, FollowsIntoTheNextRunAndNeverEndsByItself) {
    sealed_run(1, 1);
    const auto told = feed({"", {}, true}, {[&] { append(3, line(1)); }, [&] { append(3, line(2, "summary")); },
                                            [&] { sealed_run(2, 1); }, [&] { sealed_run(4, 1); }});
    EXPECT_EQ(told, (Strings{"1:1", "|", "3:1", "|", "3:2", "|", "2:1", "|", "4:1"})) << "2: the clock was set back";
    EXPECT_FALSE(has_ended);
}

TEST_F(EventFeedTest, FollowsFromBeforeTheFirstRun) {
    const auto home = dir;
    dir = home / "state" / "journal";
    const auto told = feed({"", {}, true}, {[&] { fs::create_directories(dir); }, [&] { sealed_run(1, 1); }});
    EXPECT_EQ(told, (Strings{"|", "|", "1:1"}));
    dir = home;
}

TEST_F(EventFeedTest, FollowingSurvivesPruningAndSealing) {
    sealed_run(1, 1);
    append(2, line(1) + "{\"torn");
    const auto told = feed(since(1, 0, true), {[&] { prune(1); },
                                               [&] {
                                                   fs::resize_file(file(2), line(1).size());
                                                   append(2, line(2, "summary"));
                                                   sealed_run(3, 1);
                                               }});
    EXPECT_EQ(told, (Strings{"1:1", "2:1", "|", "|", "2:2", "3:1"}));
}

TEST_F(EventFeedTest, WhileFollowingACursorIntoTheFutureHidesNothing) {
    append(1, line(1));
    EXPECT_EQ(feed(since(1, 5, true), {[&] { append(1, line(2)); }}), (Strings{"gap beyond 1:2-5 +0", "|", "1:2"}));
}

TEST(EventCursor, IsARunAndANumber) {
    EXPECT_EQ(parse_cursor(id(1) + ":12").value().seq, 12);
    EXPECT_EQ(to_string(parse_cursor(id(1) + ":0").value()), id(1) + ":0");
    for (const std::string& wrong : {std::string(), id(1), id(1) + ":", id(1) + ":-1", id(1) + ":1x", id(1) + ": 1",
                                     std::string("latest:1"), id(1) + ":9007199254740992"})
        EXPECT_EQ(parse_cursor(wrong).error().code, ErrorCode::usage) << wrong;
}

TEST(EventFilter, TakesWhatFitsAllOfIt) {
    using contract::Json;
    const Json event{{"type", "vm.launch"}, {"vm", "web-0"}, {"severity", "warn"}};
    EXPECT_TRUE(EventFilter().admits(event));
    EXPECT_TRUE((EventFilter{{"x", "vm.*"}, {"web-0"}, contract::Severity::warn}.admits(event)));
    EXPECT_FALSE((EventFilter{{"vm"}, {}, {}}.admits(event)));
    EXPECT_FALSE((EventFilter{{"vm.*"}, {"web-1"}, {}}.admits(event)));
    EXPECT_FALSE((EventFilter{{}, {}, contract::Severity::error}.admits(event)));
    EXPECT_FALSE((EventFilter{{}, {"web-0"}, {}}.admits(Json{{"type", "summary"}, {"severity", "info"}})));
    EXPECT_TRUE((EventFilter{{}, {}, contract::Severity::error}.admits(Json{{"severity", "unheard of"}})));
}

} // namespace
} // namespace castra
