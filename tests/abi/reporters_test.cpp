// SPDX-License-Identifier: Apache-2.0
// The reporters we ship, called as the kernel calls them.
#include "corpus.hpp"

#include "castra/abi/reporter.h"

#include <csignal>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace castra {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Catches what is written to a descriptor of this process while it lives.
class Captured {
public:
    explicit Captured(int fd) : fd_(fd), saved_(::dup(fd)), file_(::memfd_create("captured", MFD_CLOEXEC)) {
        ::dup2(file_, fd_);
    }
    Captured(const Captured&) = delete;
    Captured& operator=(const Captured&) = delete;
    ~Captured() {
        ::dup2(saved_, fd_);
        ::close(saved_);
        ::close(file_);
    }
    std::string text() const {
        std::string all(static_cast<std::size_t>(::lseek(file_, 0, SEEK_END)), '\0');
        return all.substr(0, static_cast<std::size_t>(::pread(file_, all.data(), all.size(), 0)));
    }

private:
    int fd_, saved_, file_;
};

json event(const std::string& type, const std::string& severity, json more = json::object()) {
    static std::uint64_t seq = 0;
    json line{{"type", type},       {"severity", severity}, {"contract", "1.0"},       {"seq", ++seq},
              {"operation", "up"},  {"project", "p"},       {"elapsed_us", 1500000},   {"message", type + " happened"},
              {"source", "kernel"}, {"run_id", "r"},        {"family", "vm.lifecycle"}};
    line.update(more);
    json header{{"type", type}, {"seq", seq}, {"severity", severity}, {"line", line.dump()}};
    if (line.contains("vm")) header["vm"] = line["vm"];
    return header;
}

class Reporters : public Corpus {
protected:
    PluginInstance open(const std::string& id, const json& config, json terminal = json::object()) {
        const auto file = std::filesystem::path(CASTRA_BINARY_DIR) / "lib/castra/plugins" / (id + ".so");
        const auto library = registry.load(place(file, id + ".so"));
        if (!library) throw std::runtime_error(library.error().text);
        auto reporter = registry.create(id, CASTRA_REPORTER_V1, config);
        if (!reporter) throw std::runtime_error(reporter.error().text);
        const json request{{"run_id", "r"}, {"operation", "up"}, {"project", "p"}, {"terminal", std::move(terminal)}};
        if (const auto opened = reporter->call(CASTRA_REPORTER_OPEN, request); !opened)
            throw std::runtime_error(opened.error().text);
        return *std::move(reporter);
    }
    // What the console writes to stderr for these events.
    std::string console(const std::vector<json>& events, const json& config = json::object(),
                        const json& terminal = json::object()) {
        const Captured stderr_text(STDERR_FILENO);
        auto reporter = open("reporter-console", config, terminal);
        const auto taken = reporter.call(CASTRA_REPORTER_EVENTS, {{"events", events}});
        const auto closed = reporter.call(CASTRA_REPORTER_CLOSE, json::object());
        EXPECT_TRUE(taken) << taken.error().text;
        EXPECT_TRUE(closed);
        return stderr_text.text();
    }
};

// What needs castra's own terminal and descriptors, which a process of its own does not have; so says their manifest.
class OwnProcessReporters : public Reporters {
    void SetUp() override {
        if (is_isolated()) GTEST_SKIP() << "runs in-process only";
    }
};

const json terminal_80{{"is_tty", true}, {"width", 80}, {"color", true}};

TEST_F(Reporters, HelloCounts) {
    const Captured stderr_text(STDERR_FILENO);
    auto reporter = open("reporter-hello", {{"greeting", "salve"}});
    ASSERT_TRUE(
        reporter.call(CASTRA_REPORTER_EVENTS, {{"events", json::array({event("a", "info"), event("b", "error")})}}));
    ASSERT_TRUE(reporter.call(CASTRA_REPORTER_CLOSE, json::object()));
    EXPECT_EQ(stderr_text.text(), "salve: up of project p begins\nsalve: saw 2 events, 1 errors\n");
}

TEST_F(Reporters, ConsoleShowsOneLineAnEventWithoutColour) {
    EXPECT_EQ(console({event("vm.launch", "info", {{"vm", "web-0"}, {"message", "launch with kvm"}}),
                       event("vm.overlay_prepared", "info", {{"vm", "web-0"}}),
                       event("vm.ready", "info", {{"vm", "web-0"}, {"message", "ready via marker after 1310 ms"}})}),
              "  1.50s  -  web-0  launch with kvm\n"
              "  1.50s  +  web-0  ready via marker after 1310 ms\n");
}

TEST_F(Reporters, ConsoleShowsCauseConsoleTailAndCureOfAnError) {
    const json exited{{"vm", "web-0"},
                      {"message", "web-0 died"},
                      {"error", {{"code", "x"}, {"detail", "exit code 1"}}},
                      {"capsule", {{"serial_tail", "1\n2\n3\n4\n5\n6\npanic\n"}, {"hint", "more memory"}}},
                      {"remediation", "castra up --verbose"}};
    EXPECT_EQ(console({event("vm.exited", "error", exited)}), "  1.50s  x  web-0  error: web-0 died\n"
                                                              "           exit code 1\n"
                                                              "           | 3\n"
                                                              "           | 4\n"
                                                              "           | 5\n"
                                                              "           | 6\n"
                                                              "           | panic\n"
                                                              "           try: castra up --verbose\n"
                                                              "           try: more memory\n");
}

TEST_F(Reporters, ConsoleNeverSendsAControlCharacterOfAGuest) {
    const auto evil = "\x1b]0;owned\x07 \x1b[2J\r\n\x08 \xc2\x9b"
                      "31m \xe2\x80\xae txt \x7f";
    const json exited{{"vm", evil},
                      {"message", evil},
                      {"error", {{"detail", evil}}},
                      {"capsule", {{"serial_tail", evil}, {"hint", evil}}},
                      {"remediation", evil},
                      {"ssh", {{"host", evil}, {"user", evil}}}};
    const json done{
        {"outcome", evil}, {"operation", evil}, {"vms", {{{"vm", evil}, {"final_state", evil}, {"outcome", evil}}}}};
    const auto text =
        console({event(evil, "error", exited), event("progress", "progress", exited), event("summary", "info", done)},
                {{"verbose", true}});
    for (const unsigned char c : text)
        EXPECT_TRUE(c == '\n' || (c >= 0x20 && c != 0x7f)) << int(c) << " in " << text;
    EXPECT_THAT(text, AllOf(HasSubstr("\\x1b]0;owned\\x07"), HasSubstr("\\u009b31m"), HasSubstr("\\u202e"),
                            Not(HasSubstr("\xc2\x9b")), Not(HasSubstr("\xe2\x80\xae"))));
}

TEST_F(Reporters, ConsoleShowsWorkInPlaceOnATerminalOnly) {
    const std::vector<json> events{
        event("image", "progress", {{"vm", "a"}, {"message", "copy"}, {"progress", {{"current", 2}, {"total", 4}}}}),
        event("vm.ready", "info", {{"vm", "a"}})};
    // One batch is one drawing; what is finished goes above, and close takes the rest away.
    EXPECT_THAT(
        console(events, {{"color", "never"}}, terminal_80),
        AllOf(StartsWith("  1.50s  +  a  vm.ready happened\nup p   1."), EndsWith("s  1 of 1 done\n\r\x1b[1A\x1b[J")));
    EXPECT_EQ(console(events), "  1.50s  +  a  vm.ready happened\n");
}

TEST_F(Reporters, ConsoleCutsWorkToTheTerminal) {
    const json terminal{{"is_tty", true}, {"width", 30}, {"color", false}};
    const json copying{{"vm", "a"}, {"message", std::string(99, 'm')}};
    EXPECT_THAT(console({event("x", "progress", copying)}, json::object(), terminal),
                AllOf(StartsWith("  a  prepare    0."), HasSubstr("s  mmm...\nup p   1."),
                      EndsWith("s  0 of 1 done\n\r\x1b[2A\x1b[J")));
}

TEST_F(Reporters, ConsoleColoursWhenAsked) {
    const std::vector<json> events{event("x", "warn")};
    EXPECT_THAT(console(events, json::object(), terminal_80), HasSubstr("\x1b[33mwarning: \x1b[0m"));
    EXPECT_THAT(console(events, {{"color", "always"}}), HasSubstr("\x1b[33m"));
    EXPECT_THAT(console(events, {{"color", "never"}}), Not(HasSubstr("\x1b")));
    EXPECT_THAT(console(events, {{"color", "never"}}, terminal_80), Not(HasSubstr("\x1b[33")));
}

TEST_F(Reporters, ConsoleEndsWithATableAndHowToReachEachVm) {
    const json ssh{{"user", "root"}, {"host", "127.0.0.1"}, {"port", 2222}, {"identity", "/k/my key"}};
    const json done{{"outcome", "partial"},
                    {"exit_code", 4},
                    {"duration_ms", 9810},
                    {"vms",
                     {{{"vm", "web-0"}, {"final_state", "running"}, {"outcome", "succeeded"}},
                      {{"vm", "b"}, {"final_state", "failed"}, {"outcome", "failed"}}}}};
    EXPECT_THAT(
        console({event("bootstrap.planned", "info", {{"vm", "web-0"}, {"ssh", ssh}}), event("summary", "error", done)}),
        HasSubstr("up partial in  9.81s, exit code 4: summary happened\n"
                  "  VM     STATE    OUTCOME    SSH\n"
                  "  web-0  running  succeeded  ssh -p 2222 -i '/k/my key' root@127.0.0.1\n"
                  "  b      failed   failed\n"));
}

TEST_F(Reporters, ConsoleSurvivesFieldsOfTheWrongType) {
    std::vector<json> events;
    for (const auto& wrong : {json(1), json(nullptr), json("x"), json::array({1}), json::object()}) {
        const json more{{"message", wrong}, {"elapsed_us", wrong}, {"vm", "v"},    {"progress", wrong},
                        {"error", wrong},   {"capsule", wrong},    {"ssh", wrong}, {"ext", wrong},
                        {"vms", wrong},     {"outcome", wrong},    {"contract", 1}};
        for (const auto* severity : {"info", "error", "progress"}) {
            events.push_back(event("x.new.type", severity, more));
            events.push_back(event("summary", severity, more));
        }
    }
    EXPECT_THAT(console(events, json::object(), terminal_80), HasSubstr("x.new.type"));
    const json unreadable{{"type", "t"}, {"seq", 1}, {"severity", "info"}, {"line", "no json"}};
    EXPECT_EQ(console({unreadable}), "");
}

TEST_F(Reporters, ConsoleRefusesAnotherContract) {
    auto reporter = open("reporter-console", json::object());
    const auto taken =
        reporter.call(CASTRA_REPORTER_EVENTS, {{"events", json::array({event("x", "info", {{"contract", "2.0"}})})}});
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error().text, HasSubstr("knows event contract 1, not 2.0"));
}

TEST_F(Reporters, NdjsonWritesExactlyTheLines) {
    const auto file = dir.path() / "events.ndjson";
    write_file(file, "{\"torn");
    auto reporter = open("reporter-ndjson", {{"path", file.string()}});
    const auto one = event("a", "info"), two = event("b", "info", {{"message", "h\u00e9"}});
    ASSERT_TRUE(reporter.call(CASTRA_REPORTER_EVENTS, {{"events", {one, two}}}));
    ASSERT_TRUE(reporter.call(CASTRA_REPORTER_FLUSH, json::object()));
    ASSERT_TRUE(reporter.call(CASTRA_REPORTER_CLOSE, json::object()));
    EXPECT_EQ(read_file(file),
              "{\"torn\n" + one["line"].get<std::string>() + "\n" + two["line"].get<std::string>() + "\n");
}

TEST_F(Reporters, NdjsonMakesAPrivateFileThatChildrenDoNotInherit) {
    const auto file = dir.path() / "new.ndjson";
    const auto old = ::umask(0);
    auto reporter = open("reporter-ndjson", {{"path", file.string()}});
    ::umask(old);
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code ignored;
        if (std::filesystem::read_symlink(entry, ignored) != std::filesystem::canonical(file)) continue;
        EXPECT_NE(::fcntl(std::stoi(entry.path().filename().string()), F_GETFD) & FD_CLOEXEC, 0);
    }
}

TEST_F(OwnProcessReporters, NdjsonSaysWhenNobodyReadsAndRaisesNoSignal) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    auto reporter = open("reporter-ndjson", {{"fd", ends[1]}});
    ::close(ends[1]); // it has a copy
    ::close(ends[0]);
    const auto taken = reporter.call(CASTRA_REPORTER_EVENTS, {{"events", json::array({event("a", "info")})}});
    ASSERT_FALSE(taken); // and not dead of SIGPIPE
    EXPECT_THAT(taken.error().text, HasSubstr("nobody reads descriptor"));
}

TEST_F(Reporters, NdjsonSaysWhenTheDiskIsFull) {
    auto reporter = open("reporter-ndjson", {{"path", "/dev/full"}});
    const auto taken = reporter.call(CASTRA_REPORTER_EVENTS, {{"events", json::array({event("a", "info")})}});
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error().text, HasSubstr("no space left for /dev/full"));
    EXPECT_THAT(taken.error().hint, HasSubstr("free space"));
}

TEST_F(OwnProcessReporters, NdjsonFinishesALineThatADeadlineCut) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    auto reporter = open("reporter-ndjson", {{"fd", ends[1]}});
    json events = json::array();
    std::string expected;
    for (int i = 0; i < 40; ++i) {
        events.push_back(event("a", "info", {{"message", std::string(5000, 'm')}}));
        expected += events.back()["line"].get<std::string>() + "\n";
    }
    const auto taken = reporter.call(CASTRA_REPORTER_EVENTS, {{"events", events}},
                                     {.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20)});
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, ErrorCode::timeout);

    std::string got;
    const auto drain = [&] {
        std::string block(1 << 20, '\0');
        const auto count = ::read(ends[0], block.data(), block.size());
        if (count > 0) got += block.substr(0, static_cast<std::size_t>(count));
    };
    while (got.size() < expected.size()) {
        drain();
        (void)reporter.call(CASTRA_REPORTER_FLUSH, json::object(),
                            {.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20)});
    }
    EXPECT_EQ(got, expected);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_F(Reporters, NdjsonNeedsExactlyOneTarget) {
    for (const auto& config :
         {json::object(), json{{"fd", 1}, {"path", "/x"}}, json{{"path", "relative"}}, json{{"fd", 999}}})
        EXPECT_THROW(open("reporter-ndjson", config), std::runtime_error) << config;
}

} // namespace
} // namespace castra
