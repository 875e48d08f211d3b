// SPDX-License-Identifier: Apache-2.0
#include "host/directory_watch.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace castra {
namespace {

namespace fs = std::filesystem;

class DirectoryWatchTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "castra-watch.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        dir = name;
    }
    void TearDown() override { fs::remove_all(dir); }

    // True when changed() returns after `act`; false when it still waits after a second.
    bool wakes(DirectoryWatch& watch, const std::function<void()>& act) {
        bool woken = false;
        asio::steady_timer timer(loop, std::chrono::seconds(1));
        loop.restart();
        asio::co_spawn(
            loop,
            [&]() -> Task<> {
                const auto first = co_await (watch.changed() || timer.async_wait(asio::use_awaitable));
                woken = first.index() == 0;
            },
            [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
        loop.poll();
        act();
        loop.run();
        return woken;
    }
    void write(const fs::path& path) { std::ofstream(path, std::ios::app) << "x"; }

    asio::io_context loop;
    fs::path dir;
};

TEST_F(DirectoryWatchTest, TellsOfNewFilesGrowthAndRemoval) {
    auto watch = DirectoryWatch::open(loop.get_executor(), dir);
    ASSERT_TRUE(watch);
    EXPECT_TRUE(wakes(*watch, [&] { write(dir / "a"); }));
    EXPECT_TRUE(wakes(*watch, [&] { write(dir / "a"); }));
    EXPECT_TRUE(wakes(*watch, [&] { fs::rename(dir / "a", dir / "b"); }));
    EXPECT_TRUE(wakes(*watch, [&] { fs::remove(dir / "b"); }));
    EXPECT_FALSE(wakes(*watch, [] {}));
}

TEST_F(DirectoryWatchTest, RemembersWhatHappensWhileNobodyWaits) {
    auto watch = DirectoryWatch::open(loop.get_executor(), dir);
    ASSERT_TRUE(watch);
    write(dir / "a");
    EXPECT_TRUE(wakes(*watch, [] {}));
}

TEST_F(DirectoryWatchTest, WaitsForADirectoryThatIsMadeLater) {
    const auto deep = dir / "p" / "q" / "journal";
    auto watch = DirectoryWatch::open(loop.get_executor(), deep);
    ASSERT_TRUE(watch);
    EXPECT_TRUE(wakes(*watch, [&] { fs::create_directories(deep); }));
    while (wakes(*watch, [] {})) // the parts of the path
        ;
    EXPECT_TRUE(wakes(*watch, [&] { write(deep / "a"); }));
}

TEST_F(DirectoryWatchTest, SurvivesADirectoryThatGoesAndComesBack) {
    const auto deep = dir / "journal";
    fs::create_directory(deep);
    auto watch = DirectoryWatch::open(loop.get_executor(), deep);
    ASSERT_TRUE(watch);
    EXPECT_TRUE(wakes(*watch, [&] { fs::remove_all(deep); }));
    EXPECT_TRUE(wakes(*watch, [&] { fs::create_directory(deep); }));
    while (wakes(*watch, [] {}))
        ;
    EXPECT_TRUE(wakes(*watch, [&] { write(deep / "a"); }));
}

} // namespace
} // namespace castra
