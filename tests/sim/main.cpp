// SPDX-License-Identifier: Apache-2.0
// sim [--from N] [--count N]: plays that many histories; a seed that finds something is printed, and the exit code
// is 1. sim --seed N: plays one again and prints its trace. --bug NAME: with a deliberate bug of the seam; then finding
// nothing is the failure. --twice: plays each twice and compares the traces.
#include "history.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <unistd.h>

using namespace castra::sim;

namespace {

std::uint64_t playing = 0;

// A crash of the kernel is a finding, too.
void on_crash(int number) {
    std::array<char, 100> text{};
    const int size = std::snprintf(text.data(), text.size(), "seed %llu: crashes with signal %d\n",
                                   static_cast<unsigned long long>(playing), number);
    [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, text.data(), static_cast<std::size_t>(size));
    std::_Exit(1);
}

constexpr std::array<std::string_view, 7> bugs{"none",       "held-runs-at-once",  "sync-lies",  "lock-ignored",
                                               "adopts-any", "short-write-unseen", "torn-rename"};

} // namespace

int main(int argc, char** argv) {
    std::uint64_t from = 1;
    std::uint64_t count = 1000;
    bool one = false;
    bool twice = false;
    bool expects_violation = false;
    auto bug = SeamBug::none;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const char* value = i + 1 < argc ? argv[i + 1] : "";
        if (word == "--seed") {
            from = std::strtoull(value, nullptr, 10);
            count = 1;
            one = true;
        } else if (word == "--from") {
            from = std::strtoull(value, nullptr, 10);
        } else if (word == "--count") {
            count = std::strtoull(value, nullptr, 10);
        } else if (word == "--bug") {
            for (std::size_t at = 0; at < bugs.size(); ++at)
                if (bugs[at] == value) bug = static_cast<SeamBug>(at);
            expects_violation = bug != SeamBug::none;
        } else if (word == "--expect-violation") {
            expects_violation = true;
            continue;
        } else if (word == "--twice") {
            twice = true;
            continue;
        } else {
            std::fprintf(stderr, "sim: what is %s?\n", argv[i]);
            return 2;
        }
        ++i;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    for (const int number : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL})
        std::signal(number, on_crash);
    Tally tally;
    int found = 0;
    const auto began = std::clock();
    for (playing = from; playing < from + count; ++playing) {
        const auto played = play(playing, bug, one || twice, tally);
        if (one) std::fputs(played.trace.c_str(), stdout);
        if (twice && play(playing, bug, true, tally).trace != played.trace) {
            std::printf("seed %llu: plays differently the second time\n", static_cast<unsigned long long>(playing));
            ++found;
        }
        if (!played.violation) continue;
        std::printf("seed %llu: %s\n", static_cast<unsigned long long>(playing), played.violation->c_str());
        if (++found >= 20 || expects_violation) break;
    }
    for (const auto& [what, times] : tally.counts)
        std::fprintf(stderr, "%s: %lld\n", what.c_str(), static_cast<long long>(times));
    std::fprintf(stderr, "%.2f s of CPU, %.1f ms a seed\n", static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC,
                 static_cast<double>(std::clock() - began) * 1000 / CLOCKS_PER_SEC /
                     static_cast<double>(playing - from + (playing < from + count)));
    if (expects_violation) return found > 0 ? 0 : 1;
    return found > 0 ? 1 : 0;
}
