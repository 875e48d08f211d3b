// SPDX-License-Identifier: Apache-2.0
// Texts of every kind through one shell and through two, with the shells that guests have. Seeded: the seed is printed.
#include "ssh/quoting.hpp"

#include "ssh/child.hpp"

#include <gtest/gtest.h>
#include <random>
#include <unistd.h>

namespace castra::ssh {
namespace {

std::vector<std::vector<std::string>> shells() {
    std::vector<std::vector<std::string>> found{{"/bin/dash"}, {"/bin/bash"}};
    for (const char* busybox : {"/bin/busybox", "/usr/bin/busybox"})
        if (::access(busybox, X_OK) == 0) {
            found.push_back({busybox, "ash"});
            break;
        }
    return found;
}

std::string output_of(std::vector<std::string> argv, const std::string& input = {}) {
    Child child(argv);
    std::string text;
    Conversation talk;
    talk.input = input;
    talk.on_output = [&](std::string_view piece) { text.append(piece); };
    castra_call limits{sizeof(castra_call), 0, 0, 0, -1, 0};
    limits.deadline_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                             (sdk::Call::Clock::now() + std::chrono::seconds(60)).time_since_epoch())
                             .count();
    const auto ending = converse(child, talk, sdk::Call(&limits));
    EXPECT_EQ(ending.exit_code, 0) << argv.back();
    return text;
}

std::vector<std::string> texts() {
    std::vector<std::string> all{"",
                                 "plain",
                                 "two words",
                                 "it's",
                                 "''",
                                 "'",
                                 "\"double\"",
                                 "$HOME ${PATH} $(id) `id`",
                                 "back\\slash\\",
                                 "line\nfeed\n",
                                 "\n",
                                 "tab\there",
                                 "-n",
                                 "--",
                                 "*?[a-z]~{a,b}",
                                 "a;b&c|d>e<f#g!h%i",
                                 "umlaut \xc3\xa4\xc3\xb6 \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80",
                                 "\xff\xfe not UTF-8",
                                 "\x01\x02\x1b[31m\x7f",
                                 std::string(5000, '\'')};
    const auto seed = std::random_device()();
    ::testing::Test::RecordProperty("seed", std::to_string(seed));
    std::printf("seed %u\n", seed);
    std::mt19937 random(seed);
    constexpr std::string_view nasty = "'\"$`\\\n\t !#&()*;<>?[]^{|}~%=-abc";
    for (int i = 0; i < 200; ++i) {
        std::string text;
        const auto length = random() % 40;
        for (std::size_t at = 0; at < length; ++at)
            text += random() % 4 == 0 ? static_cast<char>(1 + random() % 255) : nasty[random() % nasty.size()];
        all.push_back(text);
    }
    return all;
}

TEST(Quoted, IsOneWordForEveryShell) {
    const auto all = texts();
    std::string script;
    std::string wanted;
    for (const auto& text : all) {
        script += "printf '<%s>' " + shell_word(text) + "\n";
        wanted += "<" + text + ">";
    }
    for (auto shell : shells()) {
        SCOPED_TRACE(shell.back());
        EXPECT_EQ(output_of(shell, script), wanted); // as jobs are: on stdin
    }
}

TEST(Quoted, SurvivesTwoShellsAsAnArgument) {
    const auto all = texts();
    for (auto login : shells()) {
        SCOPED_TRACE(login.back());
        login.emplace_back("-c");
        std::string script;
        std::string wanted;
        for (const auto& text : all) {
            script += "printf '<%s>' " + shell_word(text) + "\n";
            wanted += "<" + text + ">";
        }
        login.push_back(shell_command(script)); // what sshd hands to the user's shell
        EXPECT_EQ(output_of(login), wanted);
    }
}

TEST(OptionPath, KeepsWhatSshWouldExpandOrSplit) {
    EXPECT_EQ(option_path("/a b/%h"), "\"/a b/%%h\"");
    EXPECT_EQ(option_path("/a\"b\\"), "\"/a\\\"b\\\\\"");
}

} // namespace
} // namespace castra::ssh
