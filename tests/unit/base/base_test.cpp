// SPDX-License-Identifier: Apache-2.0
#include "base/in_threads.hpp"
#include "base/result.hpp"
#include "base/ulid.hpp"
#include "base/units.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <mutex>
#include <set>
#include <thread>

namespace castra {
namespace {

TEST(Error, ReadsOutsideIn) {
    const Failure inner = fail(ErrorCode::io, "open /dev/kvm: Permission denied", "is your user in group kvm?");
    const Error outer = inner.value().within("start vm web-0");
    EXPECT_EQ(outer.text, "start vm web-0: open /dev/kvm: Permission denied");
    EXPECT_EQ(outer.hint, "is your user in group kvm?");
    EXPECT_EQ(outer.code, ErrorCode::io);
}

TEST(Utf8, IsJudgedToItsEnd) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("/home/j\xc3\xbcrgen/\xf0\x9f\x90\xa7"));
    for (const auto* text : {"/\xff", "/a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80"})
        EXPECT_FALSE(is_utf8(text)) << text;
}

TEST(MemorySize, ReadsWhatPeopleWrite) {
    EXPECT_EQ(MemorySize::parse("2 GiB")->bytes(), 2ULL << 30);
    EXPECT_EQ(MemorySize::parse("512MiB")->mebibytes(), 512U);
    EXPECT_EQ(MemorySize::parse("1.5 gib")->bytes(), 3ULL << 29);
    EXPECT_EQ(MemorySize::parse("2048")->bytes(), 2ULL << 30);
    EXPECT_EQ(MemorySize::parse("1 GB")->bytes(), 1000000000U);
}

TEST(MemorySize, RefusesWhatIsNoSize) {
    for (const auto* text : {"", "GiB", "-1 GiB", "0", "nan", "inf GiB", "1 GX", "9e300 GiB", "1 2 GiB"})
        EXPECT_FALSE(MemorySize::parse(text)) << text;
}

TEST(MemorySize, PrintsTheLargestWholeUnit) {
    EXPECT_EQ(to_string(MemorySize::of_bytes(2ULL << 30)), "2 GiB");
    EXPECT_EQ(to_string(MemorySize::of_bytes(1536ULL << 20)), "1536 MiB");
    EXPECT_EQ(to_string(MemorySize::of_bytes(1001)), "1001 B");
}

TEST(Ulid, SortsByTimeAndIsTwentySixLetters) {
    const auto early = make_ulid(1469918176385, {});
    const auto late = make_ulid(1469918176386, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
    EXPECT_LT(early, late);
    EXPECT_EQ(early, "01ARYZ6S410000000000000000");
    EXPECT_EQ(late, "01ARYZ6S42ZZZZZZZZZZZZZZZZ");
    EXPECT_TRUE(is_ulid(late));
    EXPECT_FALSE(is_ulid("01ARYZ6S42ZZZZZZZZZZZZZZZI"));
    EXPECT_FALSE(is_ulid("short"));
}

TEST(InThreads, DoesEachOnceAndReturnsWhenAllIsDone) {
    for (const std::size_t count : {0, 1, 15, 16, 17, 1000}) {
        std::vector<std::atomic<int>> done(count);
        in_threads(count, 4, [&](std::size_t i) { ++done[i]; });
        EXPECT_TRUE(std::ranges::all_of(done, [](const auto& times) { return times == 1; })) << count;
    }
}

TEST(InThreads, StartsNoneForAFew) {
    std::mutex mutex;
    std::set<std::thread::id> threads;
    in_threads(63, 32, [&](std::size_t) {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
    });
    EXPECT_EQ(threads, std::set{std::this_thread::get_id()});
}

} // namespace
} // namespace castra
