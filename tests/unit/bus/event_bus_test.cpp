// SPDX-License-Identifier: Apache-2.0
#include "bus/event_bus.hpp"
#include "contract/decode.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace castra {
namespace {

using contract::Json;
using contract::Severity;

class FixedClock final : public Clock {
public:
    std::int64_t unix_us() const override { return 1700000000000000; }
    std::int64_t monotonic_us() const override { return ++now_; }
    std::array<std::uint8_t, 10> entropy() override { return {}; }

private:
    mutable std::int64_t now_ = 0;
};

// Keeps lines in memory; refuses from line `fails_from` on.
class MemoryJournal final : public Journal {
public:
    explicit MemoryJournal(std::vector<std::string>& lines, std::size_t fails_from = SIZE_MAX)
        : lines_(lines), fails_from_(fails_from) {}
    Result<> append(std::string_view line, bool) override {
        while (!line.empty()) { // a batch
            if (lines_.size() >= fails_from_) return fail(ErrorCode::io, "No space left on device");
            const auto end = line.find('\n') + 1;
            lines_.emplace_back(line.substr(0, end));
            line.remove_prefix(end);
        }
        return {};
    }

private:
    std::vector<std::string>& lines_;
    std::size_t fails_from_;
};

class MemorySink final : public Sink {
public:
    explicit MemorySink(std::vector<std::string>& lines) : lines_(lines) {}
    std::string name() const override { return "memory"; }
    Result<> deliver(const EncodedEvents& batch) override {
        for (const auto& event : batch)
            lines_.emplace_back(event.line);
        return {};
    }
    Result<> finish() override { return {}; }

private:
    std::vector<std::string>& lines_;
};

class EventBusTest : public testing::Test {
protected:
    EventBus make(ContractTerms terms = {}, std::size_t fails_from = SIZE_MAX) {
        RunJournals journals;
        journals.main = std::make_unique<MemoryJournal>(journal, fails_from);
        journals.quarantine = std::make_unique<MemoryJournal>(quarantine);
        journals.uncut = std::make_unique<MemoryJournal>(uncut);
        journals.uncut_path = "/s/uncut.ndjson";
        return EventBus({"01ARYZ6S410000000000000000", "up", "demo"}, clock, std::move(journals), terms);
    }
    static contract::Draft accepted() { return contract::draft(contract::CommandAccepted{}, "up"); }
    static contract::Draft ready() { return contract::draft(contract::VmReady{"marker", 1}, "m").on("web-0"); }

    FixedClock clock;
    std::vector<std::string> journal, quarantine, uncut, seen;
};

TEST_F(EventBusTest, TellsSinksTheJournalsExactBytes) {
    auto bus = make();
    bus.add_sink(std::make_unique<MemorySink>(seen));
    bus.publish(accepted());
    bus.publish(contract::message(Severity::info, "hello", "status"));
    bus.conclude({}, {}, "done");
    EXPECT_EQ(seen, journal);
    ASSERT_EQ(journal.size(), 3U);
    const auto last = Json::parse(journal.back());
    EXPECT_EQ(last["events_emitted"], 3);
    EXPECT_EQ(last["counts"]["info_events"], 3);
    EXPECT_TRUE(bus.is_sealed());
}

TEST_F(EventBusTest, KeepsABadEventOutAndQuarantinesItWhole) {
    auto bus = make();
    bus.publish(accepted());
    bus.publish(ready()); // before any launch: rule 8
    bus.conclude({}, {}, "done");
    ASSERT_EQ(journal.size(), 3U);
    const auto notice = Json::parse(journal[1]);
    EXPECT_EQ(notice["code"], "contract_violation");
    EXPECT_EQ(notice["rule"], "8");
    EXPECT_EQ(notice["offender"], "kernel");
    EXPECT_EQ(notice["severity"], "warn");
    ASSERT_EQ(quarantine.size(), 1U);
    EXPECT_EQ(Json::parse(quarantine[0])["type"], "vm.ready");
    EXPECT_EQ(bus.violations(), 1);
}

TEST_F(EventBusTest, CallsAViolationAnErrorWhenStrict) {
    auto bus = make({.mode = ContractMode::strict});
    bus.publish(accepted());
    bus.publish(ready());
    bus.flush();
    EXPECT_EQ(Json::parse(journal[1])["severity"], "error");
    EXPECT_EQ(bus.failures(), 1);
}

TEST_F(EventBusTest, SaysNothingBeforeTheCommandAndNothingAfterSummary) {
    auto bus = make();
    bus.publish(contract::message(Severity::info, "early"));
    bus.flush();
    EXPECT_TRUE(journal.empty());
    bus.publish(accepted());
    bus.conclude({}, {}, "done");
    bus.publish(contract::message(Severity::info, "late"));
    bus.flush();
    EXPECT_EQ(journal.size(), 2U);
    EXPECT_EQ(quarantine.size(), 2U);
}

TEST_F(EventBusTest, SaysThatItsJournalFailedAndGoesOnTellingSinks) {
    auto bus = make({}, 2);
    bus.add_sink(std::make_unique<MemorySink>(seen));
    bus.publish(accepted());
    bus.publish(contract::message(Severity::info, "fits"));
    bus.flush();
    bus.publish(contract::message(Severity::info, "does not fit"));
    bus.flush();
    EXPECT_TRUE(bus.journal_failed());
    contract::Summary summary;
    summary.outcome = contract::Outcome::failed;
    summary.exit_code = 1;
    bus.conclude(summary, contract::ErrorField{"journal_failed", "x", {}, true}, "failed");
    EXPECT_EQ(journal.size(), 2U);
    ASSERT_EQ(seen.size(), 5U);
    EXPECT_EQ(Json::parse(seen[3])["code"], "journal_failed");
    EXPECT_EQ(Json::parse(seen[4])["type"], "summary");
}

TEST_F(EventBusTest, KeepsWholeWhatItHadToCut) {
    auto bus = make();
    bus.publish(accepted());
    bus.publish(contract::message(Severity::info, std::string(100000, 'x')));
    bus.conclude({}, {}, "done");
    const auto cut = Json::parse(journal[1]);
    EXPECT_EQ(cut["truncated"], true);
    EXPECT_EQ(cut["data_ref"], "/s/uncut.ndjson");
    ASSERT_EQ(uncut.size(), 1U);
    EXPECT_EQ(Json::parse(uncut[0])["text"].get<std::string>().size(), 100000U);
    EXPECT_EQ(Json::parse(uncut[0])["seq"], 2);
}

TEST_F(EventBusTest, ShowsNoSecretAnywhere) {
    for (const auto mode : {ContractMode::report, ContractMode::strict}) {
        journal.clear(), quarantine.clear(), seen.clear();
        auto bus = make({.mode = mode});
        bus.add_sink(std::make_unique<MemorySink>(seen));
        bus.publish(accepted());
        ASSERT_TRUE(bus.hide(Secret("canary-41")));
        bus.publish(contract::message(Severity::info, "token canary-41", "status"));
        bus.publish(contract::draft(contract::VmShutdownRequested{}, "m").on("vm-canary-41")); // rule 19
        contract::Summary summary;
        if (mode == ContractMode::strict) summary.outcome = contract::Outcome::failed, summary.exit_code = 7;
        bus.conclude(summary, contract::ErrorField{"x", "canary-41", {}, false}, "done canary-41");
        ASSERT_EQ(journal.size(), 4U);
        EXPECT_EQ(Json::parse(journal[1])["redacted"], (Json{"message", "text"}));
        EXPECT_EQ(Json::parse(journal[2])["rule"], "19");
        for (const auto* lines : {&journal, &quarantine, &seen})
            for (const auto& line : *lines)
                EXPECT_EQ(line.find("canary"), std::string::npos) << line;
    }
}

TEST_F(EventBusTest, ConcludesWhatWasPromisedAndNotSaid) {
    auto bus = make();
    contract::CommandAccepted promise;
    promise.expects = {{"vm", "web-0"}, {"vm", "web-1"}, {"broker", "broker"}};
    bus.publish(contract::draft(promise, "up"));
    contract::Summary summary;
    summary.outcome = contract::Outcome::cancelled;
    summary.exit_code = 130;
    summary.vms = {{"web-0", "ready", contract::VmOutcome::succeeded, {}}};
    bus.conclude(summary, {}, "cancelled");
    const auto last = Json::parse(journal.back());
    ASSERT_EQ(last["vms"].size(), 2U);
    EXPECT_EQ(last["vms"][1]["vm"], "web-1");
    EXPECT_EQ(last["vms"][1]["outcome"], "aborted");
    EXPECT_FALSE(last["vms"][1]["reason"].get<std::string>().empty());
    EXPECT_EQ(bus.violations(), 0);
}

TEST_F(EventBusTest, EndsTruthfullyWhenItsOwnSummaryIsWrong) {
    auto bus = make();
    bus.publish(accepted());
    bus.publish(contract::message(Severity::error, "bad"));
    bus.conclude({}, {}, "succeeded, it claims");
    EXPECT_TRUE(bus.is_sealed());
    const auto last = Json::parse(journal.back());
    EXPECT_EQ(last["type"], "summary");
    EXPECT_EQ(last["outcome"], "failed");
    EXPECT_EQ(last["error"]["code"], "contract_violation");
}

TEST_F(EventBusTest, NumbersWithoutGapsFromManyThreads) {
    auto bus = make();
    bus.publish(accepted());
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 500; ++i)
                bus.publish(contract::message(Severity::progress, "m"));
        });
    for (auto& thread : threads)
        thread.join();
    bus.conclude({}, {}, "done");
    ASSERT_EQ(journal.size(), 4002U);
    EXPECT_EQ(bus.violations(), 0);
    for (std::size_t i = 0; i < journal.size(); ++i)
        ASSERT_EQ(Json::parse(journal[i])["seq"], i + 1);
}

TEST(FileJournal, AppendsWholeLinesAndIsPrivate) {
    const auto path = std::filesystem::temp_directory_path() / ("castra-journal-" + std::to_string(::getpid()));
    {
        auto journal = create_journal(path);
        ASSERT_TRUE(journal);
        EXPECT_TRUE((*journal)->append("{}\n", true));
        EXPECT_FALSE(create_journal(path)) << "a run has one journal and nobody else's";
    }
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    EXPECT_EQ(line, "{}");
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::remove(path);
}

std::int64_t bytes_on_disk(const std::filesystem::path& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? static_cast<std::int64_t>(info.st_blocks) * 512 : -1;
}

TEST(FileJournal, HasRoomBeforeItBeginsAndGivesItBack) {
    std::string dir = testing::TempDir() + "castra-journal.XXXXXX";
    ASSERT_NE(::mkdtemp(dir.data()), nullptr);
    const auto path = std::filesystem::path(dir) / "run.ndjson";
    {
        auto journal = create_journal_with_room(path);
        ASSERT_TRUE(journal);
        EXPECT_FALSE(create_journal_with_room(path));
        EXPECT_GE(bytes_on_disk(path), journal_reserve_bytes);
        EXPECT_EQ(std::filesystem::file_size(path), 0U);
        EXPECT_TRUE((*journal)->append("{}\n", true));
    }
    EXPECT_EQ(std::filesystem::file_size(path), 3U);
    EXPECT_LT(bytes_on_disk(path), journal_reserve_bytes);
    std::filesystem::remove_all(dir);
}

TEST(FileJournal, KeepsOneReserveForTheDayTheDiskIsFull) {
    std::string dir = testing::TempDir() + "castra-journal.XXXXXX";
    ASSERT_NE(::mkdtemp(dir.data()), nullptr);
    const auto reserve = std::filesystem::path(dir) / journal_reserve_name;
    std::ofstream(reserve) << ""; // cut off between being made and getting its blocks
    keep_journal_reserve(dir);
    EXPECT_GE(bytes_on_disk(reserve), journal_reserve_bytes);
    const auto kept = bytes_on_disk(reserve);
    keep_journal_reserve(dir);
    EXPECT_EQ(bytes_on_disk(reserve), kept);
    keep_journal_reserve(std::filesystem::path(dir) / "gone"); // nothing happens
    std::ofstream(reserve, std::ios::trunc) << "somebody's own";
    keep_journal_reserve(dir);
    EXPECT_EQ(std::filesystem::file_size(reserve), 14U);
    EXPECT_LT(bytes_on_disk(reserve), journal_reserve_bytes) << "it is left alone";
    std::filesystem::remove_all(dir);
}

TEST_F(EventBusTest, GreaseIsInEveryLineAndPassedByOnlyByWhoToleratesIt) {
    auto bus = make({.mode = ContractMode::strict, .grease = contract::Grease::unknown_fields});
    bus.publish(accepted());
    for (int i = 0; i < 10; ++i)
        bus.publish(contract::message(contract::Severity::info, "m"));
    contract::Summary summary;
    bus.conclude(summary, {}, "done");
    EXPECT_EQ(bus.violations(), 0);
    ASSERT_EQ(journal.size(), 15U); // with x.grease.n2, n7 and n12
    std::size_t unknown_types = 0;
    for (const auto& line : journal) {
        const auto text = std::string_view(line).substr(0, line.size() - 1);
        const auto event = contract::decode(text, contract::ReaderMode::tolerant);
        ASSERT_TRUE(event) << event.error().text;
        unknown_types += event->envelope.type.starts_with("x.grease.n") ? 1 : 0;
        EXPECT_FALSE(contract::decode(text, contract::ReaderMode::strict)) << line;
        EXPECT_TRUE(nlohmann::json::parse(line).contains("grease"));
    }
    EXPECT_EQ(unknown_types, 3U);
    EXPECT_TRUE(nlohmann::json::parse(journal.front())["limits"].contains("grease"));
}

} // namespace
} // namespace castra
