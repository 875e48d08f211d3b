// SPDX-License-Identifier: Apache-2.0
#include "operations/run.hpp"

#include "contract/verify.hpp"
#include "operations/exit_code.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <sys/resource.h>

namespace castra {
namespace {

// No file of this process grows any more.
class FullDisk {
public:
    FullDisk() {
        std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        auto none = before_;
        none.rlim_cur = 0;
        setrlimit(RLIMIT_FSIZE, &none);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

private:
    rlimit before_{};
};

class Told final : public Sink {
public:
    explicit Told(std::string& text) : text_(text) {}
    std::string name() const override { return "told"; }
    Result<> deliver(const EncodedEvents& batch) override {
        for (const auto& event : batch)
            text_ += event.line;
        return {};
    }
    Result<> finish() override { return {}; }

private:
    std::string& text_;
};

TEST(Run, FailsWhenItsJournalFailsAtItsVeryLastEvents) {
    const auto dir = std::filesystem::temp_directory_path() / ("castra-run-" + std::to_string(::getpid()));
    std::filesystem::create_directories(dir);
    std::string told;
    RunResult result;
    {
        SystemClock clock;
        Request request;
        request.operation = Operation::down;
        castra::Run run(clock, request, "p", "1");
        ASSERT_TRUE(run.open({dir / "journal.ndjson", dir / "quarantine.ndjson"}));
        run.bus().add_sink(std::make_unique<Told>(told));
        const FullDisk full;
        run.accept({});
        result = run.finish({}, "nothing to do: nothing is up");
    }
    std::filesystem::remove_all(dir);
    EXPECT_EQ(result.outcome, contract::Outcome::failed);
    EXPECT_EQ(result.exit_code, exit_code::failed);
    contract::Verifier verifier;
    verifier.feed(told);
    verifier.finish();
    EXPECT_TRUE(verifier.is_good());
    EXPECT_EQ(told.find("contract_violation"), std::string::npos) << told;
    EXPECT_NE(told.find("journal_failed"), std::string::npos) << told;
}

} // namespace
} // namespace castra
