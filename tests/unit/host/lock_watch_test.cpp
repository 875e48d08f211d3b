// SPDX-License-Identifier: Apache-2.0
#include "host/lock_watch.hpp"

#include "host/file_lock.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace castra {
namespace {

class LockWatch : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "castra-lock.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        path = std::filesystem::path(name) / "lock";
        host = make_system_host(loop, clock);
    }
    void TearDown() override { std::filesystem::remove_all(path.parent_path()); }

    // Waits for the lock; `meanwhile` happens once that has begun. False: it was given up.
    bool released(const std::function<void()>& meanwhile, std::chrono::milliseconds limit = std::chrono::seconds(60)) {
        bool told = false;
        asio::co_spawn(
            loop,
            [&]() -> Task<> {
                auto first = co_await (lock_released(*host, path) || host->sleep_for(limit));
                told = first.index() == 0 && std::get<0>(first).has_value();
            },
            asio::detached);
        asio::post(loop, meanwhile);
        loop.run();
        return told;
    }

    asio::io_context loop;
    SystemClock clock;
    std::unique_ptr<Host> host;
    std::filesystem::path path;
};

TEST_F(LockWatch, ReturnsAtOnceWhenNobodyHoldsIt) {
    EXPECT_TRUE(released([] {}));
}

TEST_F(LockWatch, IsToldWhenTheHolderLetsGo) {
    auto lock = std::make_unique<FileLock>(std::move(FileLock::try_lock(path, "me").value()));
    EXPECT_TRUE(released([&] { lock.reset(); }));
}

TEST_F(LockWatch, DoesNotTakeAProbeForARelease) {
    const auto lock = FileLock::try_lock(path, "me");
    ASSERT_TRUE(lock);
    EXPECT_FALSE(released([&] { (void)FileLock::probe(path); }, std::chrono::milliseconds(300)));
}

TEST_F(LockWatch, IsToldWhenTheHolderIsKilled) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const auto child = ::fork();
    if (child == 0) {
        const auto lock = FileLock::try_lock(path, "child");
        (void)!::write(ready[1], "x", 1);
        ::pause();
        ::_exit(lock ? 0 : 1);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ASSERT_FALSE(FileLock::probe(path));
    EXPECT_TRUE(released([&] { ::kill(child, SIGKILL); }));
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
}

} // namespace
} // namespace castra
