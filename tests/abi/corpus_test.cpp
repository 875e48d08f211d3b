// SPDX-License-Identifier: Apache-2.0
// The bad ones: each is refused for its own reason, in words that name both sides and the cure.
#include "corpus.hpp"

#include "plugin/sha256.hpp"

#include <gmock/gmock.h>

namespace castra {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(Corpus, RefusesAWrongMagicNumber) {
    EXPECT_THAT(refusal_of("bad-magic"), HasSubstr("wrong magic number"));
}

TEST_F(Corpus, RefusesATooSmallTable) {
    EXPECT_THAT(refusal_of("bad-size"), HasSubstr("its table has 24 bytes, this castra needs 120"));
}

TEST_F(Corpus, RefusesAnotherMajorNamingBoth) {
    EXPECT_THAT(
        refusal_of("bad-major"),
        AllOf(HasSubstr("is built for plugin ABI major 99, this castra speaks major 1"), HasSubstr("update castra")));
}

TEST_F(Corpus, RefusesANewerMinorNamingBoth) {
    EXPECT_THAT(refusal_of("bad-minor"),
                AllOf(HasSubstr("needs plugin ABI 1.7 or later, this castra speaks 1.0"), HasSubstr("update castra")));
}

TEST_F(Corpus, RefusesAManifestOfAnotherBuild) {
    EXPECT_THAT(refusal_of("bad-hash"), AllOf(HasSubstr("0123456789abcdef"), HasSubstr("rebuild the plugin")));
}

TEST_F(Corpus, RefusesNoTable) {
    EXPECT_THAT(refusal_of("bad-null"), HasSubstr("answered no table"));
}
TEST_F(Corpus, RefusesAFailedInit) {
    EXPECT_THAT(refusal_of("bad-init"), HasSubstr("init answered 5"));
}

TEST_F(Corpus, RefusesADeclaredKindThatIsNotThere) {
    EXPECT_THAT(refusal_of("bad-lacks-kind"),
                HasSubstr("declares castra.launcher/1, but its code does not provide it"));
}

TEST_F(Corpus, RefusesAnInterfaceOfAnotherLength) {
    EXPECT_THAT(refusal_of("bad-slots"), HasSubstr("has 2 slots, the published one has 4"));
}

TEST_F(Corpus, RefusesALibraryWithoutEntry) {
    EXPECT_THAT(refusal_of("bad-no-symbol"), HasSubstr("exports no castra_plugin_entry_v1"));
}

TEST_F(Corpus, RefusesALibraryWithoutManifest) {
    EXPECT_THAT(refusal_of("bad-no-note"), AllOf(HasSubstr("no castra plugin"), HasSubstr("castra_add_plugin()")));
}

// By its manifest: no code of it may run.
class CorpusUnrun : public Corpus, public ::testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(CorpusUnrun, IsRefusedWithoutRunningItsCode) {
    const auto mark = dir.path() / "mark";
    ::setenv("CASTRA_TEST_MARK", mark.c_str(), 1);
    if (is_isolated() && GetParam().first == std::string("bad-isolation"))
        GTEST_SKIP() << "it accepts a process of its own";
    EXPECT_THAT(refusal_of(GetParam().first), HasSubstr(GetParam().second));
    EXPECT_FALSE(std::filesystem::exists(mark)) << "a constructor ran";
}

INSTANTIATE_TEST_SUITE_P(
    Manifest, CorpusUnrun,
    ::testing::Values(std::pair{"bad-manifest-major", "is built for plugin ABI major 99, this castra speaks major 1"},
                      std::pair{"bad-manifest-minor", "needs plugin ABI 1.7 or later, this castra speaks 1.0"},
                      std::pair{"bad-contract-new", "needs event contract 1.9 or later, this castra speaks 1.0"},
                      std::pair{"bad-contract-old", "knows event contracts up to major 0, this castra speaks 1.0"},
                      std::pair{"bad-unknown-kind", "provides castra.reporter/2, which this castra does not know"},
                      std::pair{"bad-isolation", "does not accept to run in-process"}));

TEST_F(Corpus, ReadingTheManifestRunsNoCodeAndLoadingDoes) {
    const auto mark = dir.path() / "mark";
    ::setenv("CASTRA_TEST_MARK", mark.c_str(), 1);
    const auto file = plugin("good-disturbing");
    const auto manifest = read_manifest(file);
    ASSERT_TRUE(manifest) << manifest.error().text;
    EXPECT_EQ(manifest->id, "good-disturbing");
    EXPECT_FALSE(std::filesystem::exists(mark)) << "a constructor ran";
    ASSERT_TRUE(registry.load(file));
    EXPECT_TRUE(std::filesystem::exists(mark)) << "the test proves nothing: the constructor does not run";
}

// The loader would map what is not there, and the process would die of SIGBUS.
TEST_F(Corpus, RefusesATruncatedFileAtAnyLength) {
    const auto whole = read_file(plugin("good-c"));
    const auto cut = dir.path() / "cut.so";
    std::size_t taken = 0;
    for (std::size_t size = 0; size < whole.size(); size += size < 2048 ? 7 : 101) {
        write_file(cut, whole.substr(0, size));
        const auto manifest = read_manifest(cut);
        if (!manifest) {
            EXPECT_EQ(taken, 0U) << size;
            continue;
        }
        // Only sections are missing, which no loader reads: then it loads.
        ++taken;
        if (taken % 16 != 1) continue;
        const auto loaded = PluginRegistry(host).load(place(cut, "cut-" + std::to_string(size) + ".so"));
        EXPECT_TRUE(loaded) << size;
    }
}

TEST_F(Corpus, TheLoaderRefusesInItsOwnWords) {
    auto bytes = read_file(plugin("good-c"));
    const std::string needed = "libc.so.6";
    for (auto at = bytes.find(needed); at != std::string::npos; at = bytes.find(needed, at))
        bytes[at + 3] = 'x';
    const auto broken = dir.path() / "good-c.so";
    write_file(broken, bytes);
    const auto library = registry.load(broken);
    ASSERT_FALSE(library);
    EXPECT_THAT(library.error().text, HasSubstr("the loader refused it: libx.so.6: cannot open shared object file"));
}

TEST_F(Corpus, SurvivesAnyDamagedByte) {
    const auto whole = read_file(plugin("good-c"));
    const auto damaged = dir.path() / "damaged.so";
    const auto note = whole.find("castra", 64);
    std::uint32_t state = 20240601; // xorshift: the same damage in every run
    const auto next = [&] {
        state ^= state << 13;
        state ^= state >> 17;
        return state ^= state << 5;
    };
    for (int round = 0; round < 1500; ++round) {
        auto bytes = whole;
        const auto at = round % 2 == 0 ? next() % 1024 : note - 12 + next() % 64; // headers, or the note's head
        bytes.at(at) = static_cast<char>(next());
        write_file(damaged, bytes);
        const auto manifest = read_manifest(damaged);
        EXPECT_TRUE(!manifest || manifest->id.size() <= 64);
    }
}

TEST_F(Corpus, RefusesAWrongPinNamingBoth) {
    const auto file = plugin("good-c");
    const auto actual = sha256_of_file(file);
    ASSERT_TRUE(actual);
    const std::string pin(64, 'a');
    const auto refused = registry.load(file, {.sha256 = pin});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text, AllOf(HasSubstr(pin), HasSubstr(*actual)));
    EXPECT_TRUE(registry.load(file, {.sha256 = *actual}));
}

TEST_F(Corpus, RefusesAFileThatOthersMayWrite) {
    const auto file = plugin("good-c");
    std::filesystem::permissions(file, std::filesystem::perms(0646));
    const auto refused = registry.load(file);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text, HasSubstr("is writable by others"));
    EXPECT_THAT(refused.error().hint, HasSubstr("chmod go-w"));
}

TEST_F(Corpus, RefusesASecondFileWithTheSameIdAndAnswersTheSameFileTwice) {
    const auto first = plugin("good-c");
    const auto second = place(first, "elsewhere/good-c.so");
    const auto library = registry.load(first);
    ASSERT_TRUE(library);
    EXPECT_EQ(registry.load(first).value_or(nullptr), *library);
    const auto refused = registry.load(second);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text, AllOf(HasSubstr("two plugins have the id good-c"), HasSubstr(first.string()),
                                            HasSubstr(second.string())));
}

} // namespace
} // namespace castra
