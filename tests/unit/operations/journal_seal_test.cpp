// SPDX-License-Identifier: Apache-2.0
#include "operations/journal_seal.hpp"

#include "base/ulid.hpp"
#include "contract/sealer.hpp"
#include "operations/run.hpp"

#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace castra {
namespace {

namespace fs = std::filesystem;

// A millisecond passes with each look, so that the ids of two runs have an order.
class SteppingClock final : public Clock {
public:
    std::int64_t unix_us() const override { return now_ += 1000; }
    std::int64_t monotonic_us() const override { return now_ += 1000; }
    std::array<std::uint8_t, 10> entropy() override { return {}; }

private:
    mutable std::int64_t now_ = 1700000000000000;
};

class JournalSealTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "castra-seal.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        dir = name;
        fs::create_directory(dir / "journal");
    }
    void TearDown() override { fs::remove_all(dir); }

    Layout layout() const { return {{}, "/p/castra.toml", dir.string()}; }
    // The journal of a whole run: accepted, one message, summary.
    std::string whole_run() {
        Request request;
        request.operation = Operation::up;
        castra::Run run(clock, request, "demo", "0");
        run_id = run.id();
        EXPECT_TRUE(run.open({layout().journal(run_id), {}}));
        run.accept({});
        run.bus().publish(contract::message(contract::Severity::info, "hello"));
        run.finish({}, "done");
        return text_of(layout().journal(run_id));
    }
    static std::string text_of(const fs::path& path) {
        std::ifstream file(path, std::ios::binary);
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }
    void journal(const std::string& text) {
        fs::remove(layout().journal(run_id));
        std::ofstream(layout().journal(run_id), std::ios::binary) << text;
    }
    bool is_read_only() const { return JournalStore(layout().journal_dir()).find(run_id).value().is_read_only; }
    static void expect_valid(const std::string& text, int lines_count) {
        contract::Sealer judge;
        std::istringstream stream(text);
        int count = 0;
        for (std::string line; std::getline(stream, line); ++count)
            EXPECT_TRUE(judge.follow(line)) << line;
        EXPECT_EQ(count, lines_count);
        EXPECT_TRUE(judge.is_sealed());
    }
    static std::string first_lines(const std::string& text, int count) {
        std::size_t at = 0;
        while (count-- > 0)
            at = text.find('\n', at) + 1;
        return text.substr(0, at);
    }

    SteppingClock clock;
    fs::path dir;
    std::string run_id;
};

TEST_F(JournalSealTest, LeavesSealedJournalsAlone) {
    const auto text = whole_run();
    const auto result = seal_dead_runs(layout(), clock);
    EXPECT_TRUE(result.sealed.empty());
    EXPECT_EQ(text_of(layout().journal(run_id)), text);
}

TEST_F(JournalSealTest, ReadsASealedJournalOnce) {
    whole_run();
    EXPECT_FALSE(is_read_only());
    seal_dead_runs(layout(), clock);
    EXPECT_TRUE(is_read_only());
    if (::geteuid() != 0) GTEST_SKIP() << "only root writes to what is read-only";
    // Nobody reads it again, so nobody finds out.
    fs::resize_file(layout().journal(run_id), 1);
    EXPECT_TRUE(seal_dead_runs(layout(), clock).sealed.empty());
    EXPECT_EQ(fs::file_size(layout().journal(run_id)), 1U);
}

TEST_F(JournalSealTest, OneThatIsOwedItsEndIsNotReadOnly) {
    journal(first_lines(whole_run(), 2));
    EXPECT_EQ(seal_dead_runs(layout(), clock).sealed, std::vector{run_id});
    EXPECT_FALSE(is_read_only());
    EXPECT_TRUE(seal_dead_runs(layout(), clock).sealed.empty());
    EXPECT_TRUE(is_read_only());
}

// A clean that was killed between its summary and its end: a later one could not open the file to take them.
TEST_F(JournalSealTest, GivesBackBlocksBehindTheEndBeforeItIsReadOnly) {
    const auto text = whole_run();
    const auto path = layout().journal(run_id);
    const auto blocks = [&path] {
        struct stat info {};
        EXPECT_EQ(::stat(path.c_str(), &info), 0);
        return info.st_blocks;
    };
    const auto before = blocks();
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (::fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, 65536) != 0) GTEST_SKIP() << "no fallocate here";
    EXPECT_GT(blocks(), before);
    seal_dead_runs(layout(), clock);
    EXPECT_LE(blocks() * 512, 8192);
    EXPECT_EQ(text_of(path), text);
}

TEST_F(JournalSealTest, AppendsWhatIsOwed) {
    const auto good = first_lines(whole_run(), 2);
    journal(good);
    EXPECT_EQ(seal_dead_runs(layout(), clock).sealed, std::vector{run_id});
    const auto sealed = text_of(layout().journal(run_id));
    ASSERT_TRUE(sealed.starts_with(good));
    expect_valid(sealed, 3);
    const auto last = contract::Json::parse(sealed.substr(good.size()));
    EXPECT_EQ(last["outcome"], "aborted");
    EXPECT_EQ(last["synthetic"], true);
    EXPECT_EQ(last["exit_code"], 9);
    EXPECT_FALSE(fs::exists(layout().torn(run_id)));
    EXPECT_TRUE(seal_dead_runs(layout(), clock).sealed.empty()) << "once";
}

TEST_F(JournalSealTest, CutsATornEndAtEveryByteAndKeepsIt) {
    const auto text = whole_run();
    const auto good = first_lines(text, 1);
    const auto second = first_lines(text, 2);
    for (auto size = good.size() + 1; size < second.size(); size += 7) {
        journal(text.substr(0, size));
        EXPECT_EQ(seal_dead_runs(layout(), clock).sealed, std::vector{run_id});
        expect_valid(text_of(layout().journal(run_id)), 2);
        EXPECT_EQ(good + text_of(layout().torn(run_id)), text.substr(0, size));
    }
}

TEST_F(JournalSealTest, CutsFromTheFirstLineThatBreaksTheContract) {
    const auto text = whole_run();
    const auto good = first_lines(text, 1);
    const auto bad = "{\"type\":\"message\"}\n" + text.substr(good.size());
    journal(good + bad);
    // It has a summary, so nobody looks further: verify is the command for that.
    EXPECT_TRUE(seal_dead_runs(layout(), clock).sealed.empty());
    const auto damaged = good + "{\"type\":\"message\"}\n";
    journal(damaged);
    EXPECT_EQ(seal_dead_runs(layout(), clock).sealed, std::vector{run_id});
    expect_valid(text_of(layout().journal(run_id)), 2);
    EXPECT_EQ(text_of(layout().torn(run_id)), "{\"type\":\"message\"}\n");
}

TEST_F(JournalSealTest, RemovesAJournalThatNeverBegan) {
    run_id = "01ARYZ6S410000000000000001";
    journal("");
    seal_dead_runs(layout(), clock);
    EXPECT_FALSE(fs::exists(layout().journal(run_id)));
    journal("{\"type\":\"comm");
    seal_dead_runs(layout(), clock);
    EXPECT_FALSE(fs::exists(layout().journal(run_id)));
    EXPECT_EQ(text_of(layout().torn(run_id)), "{\"type\":\"comm");
}

TEST_F(JournalSealTest, SealsEveryRunThatIsOwedOne) {
    std::vector<std::string> dead;
    for (int i = 0; i < 3; ++i) {
        journal(first_lines(whole_run(), 1));
        dead.insert(dead.begin(), run_id);
    }
    EXPECT_EQ(seal_dead_runs(layout(), clock).sealed, dead);
}

} // namespace
} // namespace castra
