// SPDX-License-Identifier: Apache-2.0
#include "host/places_watch.hpp"

#include "host/bell.hpp"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>

namespace castra {
namespace {

namespace fs = std::filesystem;

class PlacesWatchTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "castra-places.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        dir = name;
        fs::create_directories(dir / "a");
        fs::create_directories(dir / "b");
        auto opened = PlacesWatch::open(loop.get_executor());
        ASSERT_TRUE(opened);
        watch.emplace(std::move(*opened));
    }
    void TearDown() override { fs::remove_all(dir); }

    // Whether `what` wakes the watch; a wake-up that does not come is given up soon, one that comes needs no time.
    bool wakes(const std::function<void()>& what, std::chrono::milliseconds wait = std::chrono::seconds(20)) {
        bool woken = false;
        loop.restart();
        asio::co_spawn(
            loop,
            [&]() -> Task<> {
                asio::steady_timer limit(loop, wait);
                auto first = co_await (watch->changed() || limit.async_wait(asio::use_awaitable));
                woken = first.index() == 0;
            },
            asio::detached);
        asio::post(loop, what);
        loop.run();
        return woken;
    }

    asio::io_context loop;
    fs::path dir;
    std::optional<PlacesWatch> watch;
};

TEST_F(PlacesWatchTest, WakesForEachOfItsPlacesAndForNoOther) {
    ASSERT_TRUE(watch->watch({dir / "a"}));
    EXPECT_TRUE(wakes([&] { std::ofstream(dir / "a/x") << "1"; }));
    EXPECT_FALSE(wakes([&] { std::ofstream(dir / "b/x") << "1"; }, std::chrono::milliseconds(200)));
    ASSERT_TRUE(watch->watch({dir / "a", dir / "b"}));
    EXPECT_TRUE(wakes([&] { fs::rename(dir / "b/x", dir / "b/y"); }));
    ASSERT_TRUE(watch->watch({dir / "b"}));
    EXPECT_FALSE(wakes([&] { std::ofstream(dir / "a/z") << "1"; }, std::chrono::milliseconds(200)));
}

TEST_F(PlacesWatchTest, TellsWhenAPlaceIsNew) {
    EXPECT_TRUE(watch->watch({dir / "a"}).value());
    EXPECT_FALSE(watch->watch({dir / "a"}).value());
    EXPECT_TRUE(watch->watch({dir / "a", dir / "b"}).value());
    EXPECT_FALSE(watch->watch({dir / "b"}).value());
    fs::remove_all(dir / "b");
    fs::create_directories(dir / "b");
    EXPECT_TRUE(watch->watch({dir / "b"}).value()) << "another directory of the same name";
}

TEST_F(PlacesWatchTest, WaitsForAPlaceThatDoesNotExistThroughItsAncestor) {
    const std::set<fs::path> places{dir / "a/deep/down"};
    ASSERT_TRUE(watch->watch(places));
    EXPECT_TRUE(wakes([&] { fs::create_directories(dir / "a/deep"); }));
    ASSERT_TRUE(watch->watch(places));
    EXPECT_TRUE(wakes([&] { fs::create_directories(dir / "a/deep/down"); }));
    ASSERT_TRUE(watch->watch(places));
    EXPECT_TRUE(wakes([&] { std::ofstream(dir / "a/deep/down/file") << "1"; }));
}

TEST_F(PlacesWatchTest, FollowsADirectoryThatIsRemovedAndMadeAgain) {
    ASSERT_TRUE(watch->watch({dir / "a"}));
    EXPECT_TRUE(wakes([&] { fs::remove_all(dir / "a"); }));
    fs::create_directories(dir / "a");
    ASSERT_TRUE(watch->watch({dir / "a"}));
    EXPECT_TRUE(wakes([&] { std::ofstream(dir / "a/x") << "1"; }));
}

TEST(Bell, KeepsARingThatNobodyWaitedFor) {
    asio::io_context loop;
    Bell bell(loop.get_executor());
    int woken = 0;
    bell.ring();
    bell.ring();
    asio::co_spawn(
        loop,
        [&]() -> Task<> {
            co_await bell.wait();
            ++woken;
            asio::post(loop, [&] { bell.ring(); });
            co_await bell.wait();
            ++woken;
        },
        asio::detached);
    loop.run();
    EXPECT_EQ(woken, 2);
}

} // namespace
} // namespace castra
