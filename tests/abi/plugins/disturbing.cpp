// SPDX-License-Identifier: Apache-2.0
// Its constructor leaves a mark in the file CASTRA_TEST_MARK, and changes what CASTRA_TEST_DISTURB names.
#include "castra/sdk/plugin.hpp"

#include <cfenv>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace {

void disturb(std::string_view what) {
    if (what == "signal") std::signal(SIGUSR1, SIG_IGN);
    if (what == "mask") {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        sigprocmask(SIG_BLOCK, &set, nullptr);
    }
    if (what == "locale") std::setlocale(LC_ALL, "C.UTF-8");
    if (what == "umask") ::umask(0);
    if (what == "cwd" && ::chdir("/") != 0) std::abort();
    if (what == "rounding") std::fesetround(FE_UPWARD);
#if defined(__x86_64__)
    if (what == "fast-math") _mm_setcsr(_mm_getcsr() | 0x8040U); // what crtfastmath.o does
#else
    if (what == "fast-math") std::fesetround(FE_UPWARD);
#endif
    if (what == "environment") ::setenv("CASTRA_TEST_LEFT_BEHIND", "1", 1);
    if (what == "thread") std::thread([] { ::pause(); }).detach();
}

__attribute__((constructor)) void construct() {
    if (const auto* mark = std::getenv("CASTRA_TEST_MARK"))
        if (auto* file = std::fopen(mark, "w")) std::fclose(file);
    if (const auto* what = std::getenv("CASTRA_TEST_DISTURB")) disturb(what);
}

using namespace castra::sdk;
class Quiet : public Reporter {
public:
    void events(const EventBatch&, const Call&) override {}
};

} // namespace

CASTRA_PLUGIN(Quiet);
