// SPDX-License-Identifier: Apache-2.0
// What is judged, and what is owed, when the writer is gone.
#include "contract/sealer.hpp"
#include "contract/text.hpp"
#include "contract/verify.hpp"
#include "drafts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace castra::contract {
namespace {

TEST(Sealer, WritesWhatADeadWriterOwes) {
    Stream stream;
    Sealer sealer;
    const auto first = line_of(stream.next(accepted({}, {{"vm", "web-0"}, {"broker", "broker"}})));
    const auto second = line_of(stream.next(launch()));
    EXPECT_TRUE(sealer.follow(first));
    EXPECT_TRUE(sealer.follow(second));
    EXPECT_FALSE(sealer.follow("{\"torn"));
    EXPECT_FALSE(sealer.is_sealed());
    const auto owed = sealer.seal(1700000000000000, 9, "the writer died");
    EXPECT_TRUE(sealer.is_sealed());
    Verifier verifier;
    verifier.feed(first + second + owed);
    verifier.finish();
    EXPECT_TRUE(verifier.is_good()) << verifier.findings().front().text;
    const auto summary = Json::parse(owed.substr(owed.find('\n') + 1));
    EXPECT_EQ(summary["seq"], 4);
    EXPECT_EQ(summary["outcome"], "aborted");
    EXPECT_EQ(summary["synthetic"], true);
    EXPECT_EQ(summary["vms"][0]["outcome"], "aborted");
}

TEST(Verifier, ReadsPiecesOfAnySizeAndGoesOnAfterABadLine) {
    Stream stream;
    std::string text = line_of(stream.next(accepted()));
    auto bad = stream.next(launch());
    bad.envelope.vm.reset();
    text += line_of(bad);
    text += line_of(stream.next(message(Severity::info, "fine")));
    text += line_of(stream.summary(Outcome::succeeded, 0));
    for (const std::size_t size : {1U, 7U, 100000U}) {
        Verifier verifier;
        for (std::size_t at = 0; at < text.size(); at += size)
            verifier.feed(std::string_view(text).substr(at, size));
        verifier.finish();
        ASSERT_EQ(verifier.lines(), 4);
        ASSERT_EQ(verifier.findings().size(), 2U);
        EXPECT_EQ(verifier.findings()[0].line, 2);
        EXPECT_EQ(verifier.findings()[0].rule, 18);
        EXPECT_EQ(verifier.findings()[1].rule, 4) << "the counts are off by the bad one";
    }
}

TEST(Verifier, TellsAnEndThatIsMissingOrTorn) {
    const auto findings = [](const std::string& text) {
        Verifier verifier;
        verifier.feed(text);
        verifier.finish();
        std::vector<int> rules;
        for (const auto& finding : verifier.findings())
            rules.push_back(finding.rule);
        return rules;
    };
    Stream stream;
    const auto first = line_of(stream.next(accepted()));
    EXPECT_EQ(findings(""), std::vector<int>{1});
    EXPECT_EQ(findings(first), std::vector<int>{4});
    EXPECT_EQ(findings(first + "{\"type\""), (std::vector<int>{18, 4}));
    EXPECT_EQ(findings(first + std::string(70000, 'x') + "\n"), (std::vector<int>{18, 4}));
}

} // namespace
} // namespace castra::contract
