// SPDX-License-Identifier: Apache-2.0
#include "state/journal_retention.hpp"
#include "state/journal_store.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace castra {
namespace {

namespace fs = std::filesystem;

std::string id(int number) {
    auto text = std::to_string(number);
    return "01ARYZ6S41" + std::string(16 - text.size(), '0') + text;
}

class JournalStoreTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "castra-journals.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        dir = name;
    }
    void TearDown() override { fs::remove_all(dir); }

    void write(const std::string& file, const std::string& text) {
        std::ofstream(dir / file, std::ios::binary) << text;
    }
    static std::string line(int seq, const std::string& more = "") {
        return R"({"type":"message","operation":"up","project":"demo","time":"2026-11-23T13:06:0)" +
               std::to_string(seq) + R"(.000000Z","seq":)" + std::to_string(seq) + more + "}\n";
    }
    static std::string summary(int seq, const std::string& more = "") {
        return R"({"type":"summary","time":"2026-11-23T13:07:00.000000Z","outcome":"failed","exit_code":4,"seq":)" +
               std::to_string(seq) + more + "}\n";
    }
    void run(int number, const std::string& more = "") { write(id(number) + ".ndjson", line(1) + summary(2, more)); }
    std::vector<std::string> victims(Retention retention, const std::string& current) {
        std::vector<std::string> ids;
        for (const auto& run : beyond_retention(JournalStore(dir), retention, current))
            ids.push_back(run.file.run_id);
        return ids;
    }

    fs::path dir;
};

TEST_F(JournalStoreTest, ListsJournalsNewestFirstAndNothingElse) {
    run(1);
    run(3);
    run(2);
    write("pruned.json", "{}");
    write("notes.ndjson", "x");
    fs::create_directory(dir / (id(9) + ".ndjson"));
    std::vector<std::string> found;
    for (const auto& file : JournalStore(dir).runs())
        found.push_back(file.run_id);
    EXPECT_EQ(found, (std::vector{id(3), id(2), id(1)}));
    EXPECT_TRUE(JournalStore(dir / "nowhere").list().value().empty());
    EXPECT_FALSE(JournalStore(dir / "notes.ndjson").list()) << "what cannot be listed is not empty";
    EXPECT_TRUE(JournalStore(dir).find(id(2)));
    EXPECT_FALSE(JournalStore(dir).find(id(4)));
    EXPECT_FALSE(JournalStore(dir).find("../" + id(2)));
}

TEST_F(JournalStoreTest, DigestsFirstAndLastLine) {
    run(1);
    const auto digest = digest_of(*JournalStore(dir).find(id(1)));
    EXPECT_EQ(digest.operation, "up");
    EXPECT_EQ(digest.began, "2026-11-23T13:06:01.000000Z");
    EXPECT_EQ(digest.ended, "2026-11-23T13:07:00.000000Z");
    EXPECT_EQ(digest.outcome, "failed");
    EXPECT_EQ(digest.exit_code, 4);
    EXPECT_EQ(digest.events, 2);
}

TEST_F(JournalStoreTest, DigestsALongLastLineAndIgnoresATornOne) {
    for (const int bytes : {4095, 4096, 60000}) {
        const auto more = ",\"message\":\"" + std::string(static_cast<std::size_t>(bytes), 'x') + "\"";
        write(id(1) + ".ndjson", line(1) + summary(2, more) + "{\"type\":\"mess");
        EXPECT_EQ(digest_of(*JournalStore(dir).find(id(1))).events, 2) << bytes;
    }
    write(id(1) + ".ndjson", "{\"type\":\"comm");
    EXPECT_EQ(digest_of(*JournalStore(dir).find(id(1))).events, 0);
    write(id(1) + ".ndjson", "");
    EXPECT_FALSE(digest_of(*JournalStore(dir).find(id(1))).is_sealed());
}

TEST_F(JournalStoreTest, ReadsWholeLinesWhileTheyComeAndAfterTheFileIsGone) {
    write(id(1) + ".ndjson", line(1) + "{\"torn");
    auto reader = JournalReader::open(*JournalStore(dir).find(id(1)));
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->next_lines().value(), std::vector{line(1)});
    EXPECT_TRUE(reader->next_lines().value().empty());
    write(id(1) + ".ndjson", line(1) + line(2)); // the torn end was cut off and another line appended
    EXPECT_EQ(reader->next_lines().value(), std::vector{line(2)});
    std::ofstream(dir / (id(1) + ".ndjson"), std::ios::app) << line(3);
    fs::remove(dir / (id(1) + ".ndjson"));
    EXPECT_EQ(reader->next_lines().value(), std::vector{line(3)});
    EXPECT_EQ(JournalReader::open({id(1), dir / "gone", 0}).error().code, ErrorCode::not_found);
}

TEST_F(JournalStoreTest, ALineWithoutAnEndIsAnErrorNotAHang) {
    write(id(1) + ".ndjson", std::string(1 << 20, 'x'));
    auto reader = JournalReader::open(*JournalStore(dir).find(id(1)));
    EXPECT_FALSE(reader->next_lines());
}

TEST_F(JournalStoreTest, PrunesTheOldestUntilBothLimitsHold) {
    for (int i = 1; i <= 5; ++i)
        run(i);
    const auto bytes = static_cast<std::int64_t>(fs::file_size(dir / (id(1) + ".ndjson")));
    EXPECT_EQ(victims({5, bytes * 5}, id(5)), std::vector<std::string>{});
    EXPECT_EQ(victims({3, bytes * 5}, id(5)), (std::vector{id(1), id(2)}));
    EXPECT_EQ(victims({5, bytes * 5 - 1}, id(5)), std::vector{id(1)});
    EXPECT_EQ(victims({1, 1}, id(5)), (std::vector{id(1), id(2), id(3), id(4)}));
}

TEST_F(JournalStoreTest, NeverPrunesTheCurrentRunNorOneWithoutAnEnd) {
    run(2);
    run(3);
    write(id(1) + ".ndjson", line(1));
    EXPECT_EQ(victims({1, 1}, id(2)), std::vector{id(3)});
}

TEST_F(JournalStoreTest, TombstonesAreKeptAndAddUp) {
    run(1);
    run(2);
    const JournalStore store(dir);
    EXPECT_EQ(load_pruned(dir).value().runs, 0);
    EXPECT_FALSE(load_pruned(dir).value().covers(id(1)));
    ASSERT_TRUE(bury(store, {digest_of(*store.find(id(1)))}));
    ASSERT_TRUE(bury(store, {digest_of(*store.find(id(1))), digest_of(*store.find(id(2)))})); // killed in between
    const auto pruned = load_pruned(dir).value();
    EXPECT_EQ(pruned.runs, 2);
    EXPECT_EQ(pruned.events, 4);
    EXPECT_EQ(pruned.through, id(2));
    EXPECT_EQ(pruned.find(id(1))->operation, "up");
    EXPECT_TRUE(pruned.covers(id(2)));
    EXPECT_FALSE(pruned.covers(id(3)));
}

TEST_F(JournalStoreTest, TheOldestTombstonesAreForgottenButNotThatTheyWere) {
    PrunedRuns pruned;
    const int many = static_cast<int>(PrunedRuns::tombstones_max) + 10;
    for (int i = 1; i <= many; ++i) {
        RunDigest run;
        run.file.run_id = id(i);
        run.events = 1;
        pruned.add(run);
    }
    ASSERT_TRUE(save_pruned(dir, pruned));
    const auto read = load_pruned(dir).value();
    EXPECT_EQ(read.latest.size(), PrunedRuns::tombstones_max);
    EXPECT_EQ(read.runs, many);
    EXPECT_EQ(read.find(id(5)), nullptr);
    EXPECT_TRUE(read.covers(id(5)));
    EXPECT_TRUE(read.covers(id(many)));
    EXPECT_FALSE(read.covers(id(many + 1)));
}

TEST_F(JournalStoreTest, ADamagedTombstoneFileStopsPruning) {
    run(1);
    write("pruned.json", "{");
    const JournalStore store(dir);
    EXPECT_FALSE(bury(store, {digest_of(*store.find(id(1)))}));
    EXPECT_FALSE(load_pruned(dir));
}

} // namespace
} // namespace castra
