// SPDX-License-Identifier: Apache-2.0
// Calls through the border: each kind by the glue, plain C, errors, limits, cancelling.
#include "corpus.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "castra/sdk/launch_plan.hpp"

#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <thread>

namespace castra {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

json open_request(const std::string& operation, const std::string& run_id = "r") {
    return {{"run_id", run_id}, {"operation", operation}, {"project", "p"}, {"terminal", json::object()}};
}

TEST_F(Corpus, CallsALauncher) {
    auto launcher = make("good-all", CASTRA_LAUNCHER_V1);
    const auto requirements = launcher.call(CASTRA_LAUNCHER_REQUIREMENTS, {{"vm", {{"name", "web-0"}}}});
    ASSERT_TRUE(requirements) << requirements.error().text;
    EXPECT_TRUE(requirements->at("programs").empty());

    const json request{{"vm", {{"name", "web-0"}, {"memory_bytes", 1 << 20}, {"port_forwards", {{{"host", 2222}}}}}},
                       {"paths", {{"state_dir", "/s"}}}};
    const auto plan = launcher.call(CASTRA_LAUNCHER_PLAN, request);
    ASSERT_TRUE(plan) << plan.error().text;
    const auto typed = plan->get<sdk::LaunchPlan>();
    EXPECT_THAT(typed.argv, ElementsAre("echo", "web-0", "1"));
    EXPECT_EQ(typed.env.at("MEMORY"), "1048576");
    EXPECT_EQ(typed.readiness.kind, "started");
}

TEST_F(Corpus, CallsABrokerLauncherWithItsDefaults) {
    auto broker = make("good-all", CASTRA_BROKER_LAUNCHER_V1);
    const auto plan = broker.call(CASTRA_BROKER_LAUNCHER_PLAN,
                                  {{"project", "p"}, {"paths", {{"runtime_dir", "/run/x"}}}, {"port", 9}});
    ASSERT_TRUE(plan) << plan.error().text;
    EXPECT_EQ(plan->at("enabled"), true);
    EXPECT_EQ(plan->at("argv")[0], "h\u00e9llo \"\\@; [x]"); // the schema's default reached the constructor
    EXPECT_EQ(plan->at("sockets")[0]["path"], "/run/x/broker.sock");
}

TEST_F(Corpus, CallsAStepWhosePlanComesBack) {
    auto step = make("good-all", CASTRA_BOOTSTRAP_STEP_V1);
    json request{{"vm", {{"name", "web-0"}, {"ssh", {{"host", "127.0.0.1"}, {"port", 2222}}}}}, {"inputs", {{"a", 1}}}};
    const auto plan = step.call(CASTRA_BOOTSTRAP_STEP_PLAN, request);
    ASSERT_TRUE(plan) << plan.error().text;
    EXPECT_EQ(plan->at("action"), "would_run");
    EXPECT_EQ(plan->at("reason"), "ssh to port 2222");
    request["plan"] = *plan;
    const auto applied = step.call(CASTRA_BOOTSTRAP_STEP_APPLY, request);
    ASSERT_TRUE(applied) << applied.error().text;
    EXPECT_EQ(applied->at("status"), "success");
    EXPECT_EQ(applied->at("detail"), R"(kept {"kept":7})");
    EXPECT_EQ(step.call(CASTRA_BOOTSTRAP_STEP_VERIFY, request)->at("status"), "skipped");
    ASSERT_EQ(host.emitted.size(), 1U);
    EXPECT_EQ(host.emitted[0]["vm"], "web-0");
    EXPECT_EQ(host.emitted[0]["by"], "good-all");
}

TEST_F(Corpus, CallsAReporterInPlainC) {
    auto reporter = make("good-c", CASTRA_REPORTER_V1);
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_OPEN, open_request("up")));
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_EVENTS, {{"events", json::array()}}));
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_EVENTS, {{"events", json::array()}}));
    const auto flushed = reporter.call(CASTRA_REPORTER_FLUSH, json::object());
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.error().text, "plugin good-c, flush: it has no such slot");
    EXPECT_EQ(reporter.call(CASTRA_REPORTER_CLOSE, json::object())->at("batches"), 2);
    EXPECT_FALSE(reporter.call(99, json::object()));
}

TEST_F(Corpus, GivesAReporterItsBatchAndItsGap) {
    auto reporter = make("good-all", CASTRA_REPORTER_V1);
    const json batch{{"events",
                      {{{"type", "a"}, {"seq", 1}, {"severity", "info"}, {"vm", "web-0"}, {"line", "{}"}},
                       {{"type", "b"}, {"seq", 2}, {"severity", "info"}, {"line", "{}"}}}},
                     {"gap", {{"first_seq", 0}, {"last_seq", 0}, {"count", 4}, {"reason", "overflow"}}}};
    ASSERT_TRUE(reporter.call(CASTRA_REPORTER_EVENTS, batch));
    EXPECT_THAT(host.logged, ElementsAre("good-all: a web-0", "good-all: b -", "good-all: gap of 4"));
}

struct Mood {
    const char* operation;
    const char* text;
    const char* hint;
};
class Barrier : public Corpus, public ::testing::WithParamInterface<Mood> {};

TEST_P(Barrier, TurnsWhateverIsThrownIntoAnError) {
    auto reporter = make("good-all", CASTRA_REPORTER_V1);
    const auto answer = reporter.call(CASTRA_REPORTER_OPEN, open_request(GetParam().operation));
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().text, HasSubstr(GetParam().text));
    EXPECT_EQ(answer.error().hint, GetParam().hint);
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_OPEN, open_request("up"))) << "the instance lives on";
}

INSTANTIATE_TEST_SUITE_P(
    Moods, Barrier,
    ::testing::Values(Mood{"refuse", "plugin good-all, open: will not: today", "ask later"},
                      Mood{"invalid", "open: does not understand the request: nonsense", ""},
                      Mood{"json", "open: does not understand the request: [json.exception.parse_error", ""},
                      Mood{"runtime", "open: had an internal error: unexpected exception: broke", ""},
                      Mood{"int", "open: had an internal error: unexpected exception of an unknown type", ""},
                      Mood{"not-utf8", "open: name \xef\xbf\xbd", ""}),
    [](const auto& test) {
        std::string name = test.param.operation;
        std::erase(name, '-');
        return name;
    });

TEST_F(Corpus, RefusesARequestThatDoesNotFit) {
    auto broker = make("good-all", CASTRA_BROKER_LAUNCHER_V1);
    for (const auto& port : {json(70000), json(-1), json(1.5), json(true), json("80")}) {
        const auto answer = broker.call(CASTRA_BROKER_LAUNCHER_PLAN, {{"project", "p"}, {"port", port}});
        ASSERT_FALSE(answer) << port;
        EXPECT_THAT(answer.error().text, HasSubstr("does not understand the request: field \"port\""));
    }
}

TEST_F(Corpus, ServesTheHostFunctions) {
    auto reporter = make("good-all", CASTRA_REPORTER_V1);
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_OPEN, open_request("time")));
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_OPEN, open_request("cancelled")));
    host.is_cancelled = true;
    const auto answer = reporter.call(CASTRA_REPORTER_OPEN, open_request("cancelled"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::cancelled);
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_OPEN, open_request("log")));
    EXPECT_THAT(host.logged, ElementsAre("good-all: was told to log \xef\xbf\xbd"));
}

TEST_F(Corpus, HandsOutSecretsByTheirNames) {
    auto reporter = make("good-all", CASTRA_REPORTER_V1);
    auto request = open_request("secret");
    request["project"] = "token";
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_OPEN, request));
    EXPECT_THAT(host.logged, ElementsAre("good-all: the secret is hush \"good-all\""));
    request["project"] = "other";
    const auto refused = reporter.call(CASTRA_REPORTER_OPEN, request);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text, HasSubstr("no secret other"));
    EXPECT_EQ(refused.error().hint, "add it");
}

TEST_F(Corpus, ConstructorsRefuseInTheirOwnWords) {
    ASSERT_TRUE(registry.load(plugin("good-all")));
    const auto refused = registry.create("good-all", CASTRA_REPORTER_V1, {{"port", 13}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text, "plugin good-all, create: port 13 is unlucky (at /port)");
    EXPECT_EQ(refused.error().hint, "take 14");
    EXPECT_FALSE(registry.create("good-all", "castra.reporter/2", json::object()));
    EXPECT_FALSE(registry.create("nobody", CASTRA_REPORTER_V1, json::object()));
    const auto unknown = registry.create("good-all", CASTRA_REPORTER_V1, {{"prot", 13}});
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, ErrorCode::config_invalid);
}

struct BadAnswer {
    const char* word;
    const char* text;
};
class BadAnswers : public Corpus, public ::testing::WithParamInterface<BadAnswer> {};

TEST_P(BadAnswers, AreErrors) {
    auto reporter = make("good-c", CASTRA_REPORTER_V1);
    const auto answer = reporter.call(CASTRA_REPORTER_OPEN, open_request("up", GetParam().word));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::plugin);
    EXPECT_THAT(answer.error().text, HasSubstr(GetParam().text));
    EXPECT_EQ(answer.error().text.find('\x1b'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Words, BadAnswers,
                         ::testing::Values(BadAnswer{"say-garbage", "open: its reply: no JSON: \"{\"half\": ?[31m\""},
                                           BadAnswer{"say-array", "no JSON object"}, BadAnswer{"say-number", "no JSON"},
                                           BadAnswer{"say-deep", "nested deeper than 64 levels"},
                                           BadAnswer{"say-much", "replied more than 16 MiB"},
                                           BadAnswer{"fail-silently", "open: failed"},
                                           BadAnswer{"fail-garbage", "failed, and its error is no JSON: \"not json\""},
                                           BadAnswer{"fail-much", "had an internal error"},
                                           BadAnswer{"fail-strangely", "unknown status -77"},
                                           BadAnswer{"fail-well", "the printer is out of paper: tray 2 (at /tray)"}),
                         [](const auto& test) {
                             std::string name = test.param.word;
                             std::erase(name, '-');
                             return name;
                         });

TEST_F(Corpus, EndsACallAtItsDeadline) {
    auto step = make("good-all", CASTRA_BOOTSTRAP_STEP_V1);
    const json request{{"vm", {{"name", "web-0"}}}, {"inputs", {{"wait", true}}}};
    const auto answer = step.call(CASTRA_BOOTSTRAP_STEP_APPLY, request,
                                  {.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20)});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::timeout);
}

TEST_F(Corpus, EndsACallThatIsCancelled) {
    auto step = make("good-all", CASTRA_BOOTSTRAP_STEP_V1);
    const json request{{"vm", {{"name", "web-0"}}}, {"inputs", {{"wait", true}}}};
    const int cancel_fd = ::eventfd(0, EFD_CLOEXEC);
    std::thread canceller([&] { ::eventfd_write(cancel_fd, 1); });
    const auto answer = step.call(CASTRA_BOOTSTRAP_STEP_APPLY, request, {.deadline = {}, .cancel_fd = cancel_fd});
    canceller.join();
    ::close(cancel_fd);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::cancelled);
    EXPECT_EQ(answer.error().text, "plugin good-all, apply: was cancelled: the call was cancelled");
}

TEST_F(Corpus, InstancesMoveAndDieOnce) {
    auto first = make("good-c", CASTRA_REPORTER_V1);
    auto second = make("good-c", CASTRA_REPORTER_V1);
    ASSERT_TRUE(first.call(CASTRA_REPORTER_EVENTS, json::object()));
    second = std::move(first);
    EXPECT_EQ(second.call(CASTRA_REPORTER_CLOSE, json::object())->at("batches"), 1);
}

} // namespace
} // namespace castra
