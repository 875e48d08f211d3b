// SPDX-License-Identifier: Apache-2.0
// What loading leaves alone: the process, and the good plugins.
#include "corpus.hpp"

#include <cfenv>
#include <clocale>
#include <csignal>
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

namespace castra {
namespace {

using ::testing::HasSubstr;

struct Disturbance {
    const char* what;
    const char* said;
};
class ProcessDisturbance : public Corpus, public ::testing::WithParamInterface<Disturbance> {};

TEST_P(ProcessDisturbance, IsRefusedByNameAndPutBack) {
    const auto home = std::filesystem::current_path();
    ::setenv("CASTRA_TEST_DISTURB", GetParam().what, 1);
    ::setenv("CASTRA_TEST_KEPT", "a=b", 1);
    EXPECT_THAT(refusal_of("good-disturbing"),
                HasSubstr("changed " + std::string(GetParam().said) + " while it was loaded"));

    struct sigaction action {};
    ::sigaction(SIGUSR1, nullptr, &action);
    EXPECT_EQ(action.sa_handler, SIG_DFL);
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(::sigismember(&mask, SIGUSR2), 0);
    EXPECT_STREQ(std::setlocale(LC_ALL, nullptr), "C");
    const auto umask = ::umask(022);
    EXPECT_NE(umask, 0U);
    EXPECT_EQ(std::filesystem::current_path(), home);
    EXPECT_EQ(std::fegetround(), FE_TONEAREST);
    EXPECT_EQ(::getenv("CASTRA_TEST_LEFT_BEHIND"), nullptr);
    EXPECT_STREQ(::getenv("CASTRA_TEST_KEPT"), "a=b");

    // Its constructors do not run again: a second try would look clean.
    EXPECT_THAT(refusal_of("good-disturbing"), HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(Each, ProcessDisturbance,
                         ::testing::Values(Disturbance{"signal", "the signal handler of SIGUSR1"},
                                           Disturbance{"mask", "the signal mask"}, Disturbance{"locale", "the locale"},
                                           Disturbance{"umask", "the umask"},
                                           Disturbance{"cwd", "the working directory"},
                                           Disturbance{"rounding", "the floating point control word"},
                                           Disturbance{"fast-math", "the floating point control word"},
                                           Disturbance{"environment", "the environment (CASTRA_TEST_LEFT_BEHIND)"},
                                           Disturbance{"thread", "the number of threads"}),
                         [](const auto& test) {
                             std::string name = test.param.what;
                             std::erase(name, '-');
                             return name;
                         });

TEST_F(Corpus, StaysLoadedWhenItsRegistryIsGone) {
    const auto file = plugin("good-c");
    {
        PluginRegistry other(host);
        ASSERT_TRUE(other.load(file));
    }
    EXPECT_NE(::dlopen(file.c_str(), RTLD_NOW | RTLD_NOLOAD), nullptr);
}

TEST_F(Corpus, AddsNothingToTheSymbolScope) {
    ASSERT_TRUE(registry.load(plugin("good-c")));
    EXPECT_EQ(::dlsym(RTLD_DEFAULT, "castra_plugin_entry_v1"), nullptr);
}

TEST_F(Corpus, ListsManifestsById) {
    ASSERT_TRUE(registry.load(plugin("good-c")));
    ASSERT_TRUE(registry.load(plugin("good-all")));
    const auto manifests = registry.manifests();
    ASSERT_EQ(manifests.size(), 2U);
    EXPECT_EQ(manifests[0]->id, "good-all");
    EXPECT_EQ(manifests[0]->kinds.size(), 4U);
    EXPECT_EQ(manifests[1]->id, "good-c");
    EXPECT_EQ(registry.find("good"), nullptr);
}

TEST_F(Corpus, TheManifestSurvivesStripAndOddCharacters) {
    const auto file = plugin("good-all");
    ASSERT_EQ(std::system(("strip " + file.string()).c_str()), 0);
    const auto library = registry.load(file);
    ASSERT_TRUE(library) << library.error().text;
    EXPECT_EQ((*library)->manifest().config_schema["properties"]["greeting"]["default"], "h\u00e9llo \"\\@; [x]");
}

TEST_F(Corpus, FollowsALinkToTheRealFile) {
    const auto file = plugin("good-c");
    const auto link = dir.path() / "link.so";
    std::filesystem::create_symlink(file, link);
    const auto library = registry.load(link);
    ASSERT_TRUE(library) << library.error().text;
    EXPECT_EQ((*library)->file(), std::filesystem::canonical(file));
    EXPECT_EQ(registry.load(file).value_or(nullptr), *library);
}

} // namespace
} // namespace castra
