// SPDX-License-Identifier: Apache-2.0
#include "host/file_lock.hpp"
#include "host/files.hpp"
#include "host/free_port.hpp"
#include "host/host.hpp"
#include "host/in_parallel.hpp"
#include "host/left_behind.hpp"
#include "host/run_program.hpp"
#include "host/system_process.hpp"

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>

namespace castra {
namespace {

class HostTest : public testing::Test {
protected:
    HostTest() : host(make_system_host(loop, clock)) {}

    template <class T>
    T run(Task<T> task) {
        std::optional<T> answer;
        asio::co_spawn(loop, std::move(task), [&](const std::exception_ptr& thrown, T value) {
            if (thrown) std::rethrow_exception(thrown);
            answer.emplace(std::move(value));
        });
        loop.restart();
        loop.run();
        return std::move(*answer);
    }
    std::unique_ptr<Process> spawn(std::vector<std::string> argv) {
        SpawnRequest request;
        request.program = argv.at(0);
        request.argv = std::move(argv);
        request.env = minimal_environment();
        request.working_dir = "/";
        auto process = host->spawn(request);
        EXPECT_TRUE(process);
        return std::move(*process);
    }

    asio::io_context loop;
    SystemClock clock;
    std::unique_ptr<Host> host;
};

TEST_F(HostTest, TellsHowAProcessEnded) {
    auto exits = spawn({"/bin/sh", "-c", "exit 7"});
    EXPECT_EQ(run(exits->wait()).exit_code, 7);
    EXPECT_TRUE(exits->has_exited());
    auto killed = spawn({"/bin/sleep", "1000"});
    EXPECT_TRUE(killed->signal(SIGKILL));
    EXPECT_EQ(run(killed->wait()).signal, "SIGKILL");
    EXPECT_TRUE(killed->signal(SIGTERM)) << "a process that has ended is no error";
}

TEST(SystemProcess, EndsWithWhoSpawnedItWhenThatWasAskedFor) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const int castra = fork();
    if (castra == 0) {
        asio::io_context own;
        SpawnRequest request;
        request.program = "/bin/sleep";
        request.argv = {"sleep", "1000"};
        request.working_dir = "/";
        request.ends_with_us = true;
        const auto process = spawn_process(own.get_executor(), request, DescriptorLimit());
        const int pid = process ? (*process)->id().pid : -1;
        [[maybe_unused]] const auto told = ::write(ends[1], &pid, sizeof pid);
        while (true)
            ::pause();
    }
    int pid = -1;
    ASSERT_EQ(::read(ends[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
    ASSERT_GT(pid, 0);
    const UniqueFd tool(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    ASSERT_TRUE(tool);
    pollfd ended{tool.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ended, 1, 0), 0) << "it lives as long as its castra";
    ::kill(castra, SIGKILL);
    ::waitpid(castra, nullptr, 0);
    EXPECT_EQ(::poll(&ended, 1, 60000), 1);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_F(HostTest, RunsAHeldProgramOnlyWhenReleased) {
    const auto mark = std::filesystem::temp_directory_path() / ("castra-held-" + std::to_string(::getpid()));
    SpawnRequest request;
    request.program = "/bin/touch";
    request.argv = {"touch", mark};
    request.working_dir = "/";
    request.held = true;
    auto dropped = host->spawn(request);
    ASSERT_TRUE(dropped);
    const auto id = (*dropped)->id();
    dropped->reset(); // as if castra had died
    while (host->is_alive(id))
        loop.poll();
    EXPECT_FALSE(std::filesystem::exists(mark));
    auto released = host->spawn(request);
    ASSERT_TRUE(released);
    EXPECT_TRUE((*released)->release());
    EXPECT_EQ(run((*released)->wait()).exit_code, 0);
    EXPECT_TRUE(std::filesystem::exists(mark));
    std::filesystem::remove(mark);
    request.program = "/nowhere/program";
    auto missing = host->spawn(request);
    ASSERT_TRUE(missing);
    const auto told = (*missing)->release();
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().text, "run /nowhere/program: No such file or directory");
    run((*missing)->wait());
}

TEST_F(HostTest, HoldsAProgramWhateverDescriptorsItGets) {
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    SpawnRequest request;
    request.program = "/bin/sh";
    request.argv = {"sh", "-c", "test -e /proc/self/fd/3 && test -e /proc/self/fd/30"};
    request.working_dir = "/";
    request.held = true;
    for (int number = 3; number <= 30; ++number) // the numbers of castra's own descriptors are among them
        request.fds.push_back({null.get(), number});
    auto held = host->spawn(request);
    ASSERT_TRUE(held);
    EXPECT_TRUE((*held)->release());
    EXPECT_EQ(run((*held)->wait()).exit_code, 0);
    request.working_dir = "/nowhere";
    auto lost = host->spawn(request);
    ASSERT_TRUE(lost);
    const auto told = (*lost)->release();
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().text, "run /bin/sh: No such file or directory");
    run((*lost)->wait());
}

TEST_F(HostTest, SaysWhyAProgramCannotRun) {
    SpawnRequest request;
    request.program = "/etc/passwd";
    request.argv = {"x"};
    request.working_dir = "/";
    const auto process = host->spawn(request);
    ASSERT_FALSE(process);
    EXPECT_EQ(process.error().text, "run /etc/passwd: Permission denied");
}

TEST_F(HostTest, AdoptsOnlyTheVeryProcess) {
    auto child = spawn({"/bin/sleep", "1000"});
    const auto id = child->id();
    EXPECT_TRUE(host->is_alive(id));
    EXPECT_TRUE(host->adopt(id));
    EXPECT_FALSE(host->adopt({id.pid, id.start_ticks + 1})) << "a recycled number";
    for (const int pid : {0, -1, INT32_MAX}) {
        EXPECT_FALSE(host->adopt({pid, 0})) << pid;
        EXPECT_FALSE(host->is_alive({pid, 0})) << pid;
    }
    kill(id.pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(id.pid), &info, WEXITED | WNOWAIT);
    EXPECT_FALSE(host->is_alive(id)) << "a zombie";
    EXPECT_FALSE(host->adopt(id)) << "a zombie";
    run(child->wait());
}

// A grandchild of ours whose parent, the leader of its session, has ended.
TEST_F(HostTest, EndsWhatAnAdoptedProcessLeftInItsSession) {
    for (const auto* by : {"observing", "adopting", "scanning"}) {
        const auto said = std::filesystem::temp_directory_path() / ("castra-left-" + std::to_string(::getpid()));
        auto child = spawn({"/bin/sh", "-c", "sleep 1000 & echo $! > " + said.string() + "; exec sleep 1000"});
        const auto leader = child->id();
        std::string text;
        while (text.empty() || text.back() != '\n')
            text = files::read(said, 100).value_or("");
        std::filesystem::remove(said);
        const int left = std::stoi(text);
        const ProcessId left_id{left, start_ticks_of(left).value()};
        if (by == std::string_view("scanning")) {
            const auto before = left_id.start_ticks - 1;
            end_session_members(leader.pid, before);
            EXPECT_TRUE(host->is_alive(left_id)) << "it came later, as another's of that number would";
            end_session_members(leader.pid + 1, ticks_now());
            EXPECT_TRUE(host->is_alive(left_id)) << "another session";
            end_session_members(leader.pid, ticks_now());
        } else {
            const bool only_looks = by == std::string_view("observing");
            auto opened = std::move(only_looks ? host->observe(leader) : host->adopt(leader)).value();
            kill(leader.pid, SIGKILL);
            run(opened->wait());
            if (only_looks) {
                EXPECT_TRUE(host->is_alive(left_id)) << "who looks ends nothing";
                kill(left, SIGKILL);
            }
        }
        while (host->is_alive(left_id)) // SIGKILL has been sent; the test's timeout is its limit
            std::this_thread::yield();
        kill(leader.pid, SIGKILL);
        run(child->wait());
    }
}

TEST_F(HostTest, WakesEveryWaiterOfManyShortProcesses) {
    // Descriptors' numbers are reused at once here; a wake-up that belonged to an earlier one must not reap a live
    // child.
    auto many = [&]() -> Task<int> {
        int right = 0;
        for (int i = 0; i < 60; ++i) {
            auto quick = spawn({"/bin/true"});
            const auto first = co_await quick->wait();
            right += first.exit_code == 0;
            quick.reset();
            auto slow = spawn({"/bin/sh", "-c", "sleep 0.01; exit 5"});
            const auto second = co_await slow->wait();
            right += second.exit_code == 5;
        }
        co_return right;
    };
    EXPECT_EQ(run(many()), 120);
}

TEST_F(HostTest, KillsWhatMissesItsDeadline) {
    ProgramRun program;
    program.argv = {"sleep", "1000"};
    program.deadline = Milliseconds(20);
    const auto ended = run(run_program(*host, program));
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, ErrorCode::timeout);
}

// epoll tells the end of a stream once; whoever asks again must not wait for it.
TEST_F(HostTest, AnEndThatWasReadStaysRead) {
    auto pair = std::move(host->notify_pair()).value();
    ASSERT_EQ(::write(pair.second.get(), "half", 4), 4);
    pair.second.reset();
    auto twice = [&]() -> Task<int> {
        int ends = 0;
        for (int i = 0; i < 2; ++i) {
            auto first = co_await (pair.first.read_line(100) || host->sleep_for(std::chrono::seconds(5)));
            if (first.index() != 0) continue;
            const auto& line = std::get<0>(first);
            ends += line && !*line;
        }
        co_return ends;
    };
    EXPECT_EQ(run(twice()), 2);
}

TEST_F(HostTest, LeasesAPortToOneHolder) {
    auto first = host->lease_port("127.0.0.1", 0, "tcp");
    ASSERT_TRUE(first);
    EXPECT_GE(first->port, 20000);
    EXPECT_LT(first->port, 32768) << "an outgoing connection could take it";
    const auto second = host->lease_port("127.0.0.1", first->port, "tcp");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::busy);
    const auto port = first->port;
    first->holder.reset();
    EXPECT_TRUE(host->lease_port("127.0.0.1", port, "tcp"));
}

TEST_F(HostTest, LeasesAPortOfOneAddressOrOfAll) {
    auto first = host->lease_port("127.0.0.1", 0, "tcp");
    ASSERT_TRUE(first);
    const auto port = first->port;
    auto second = host->lease_port("127.0.0.2", port, "tcp");
    ASSERT_TRUE(second) << second.error().text;
    EXPECT_FALSE(host->lease_port("127.0.0.2", port, "tcp"));
    EXPECT_FALSE(host->lease_port("0.0.0.0", port, "tcp")) << "two of all addresses are held";
    EXPECT_TRUE(host->lease_port("0.0.0.0", port, "udp"));
    first->holder.reset();
    EXPECT_FALSE(host->lease_port("0.0.0.0", port, "tcp")) << "one of all addresses is held";
    second->holder.reset();
    auto all = host->lease_port("0.0.0.0", port, "tcp");
    ASSERT_TRUE(all) << all.error().text;
    const auto refused = host->lease_port("127.0.0.3", port, "tcp");
    ASSERT_FALSE(refused) << "all addresses are held";
    EXPECT_EQ(refused.error().code, ErrorCode::busy);
    all->holder.reset();
    EXPECT_TRUE(host->lease_port("127.0.0.3", port, "tcp"));
}

TEST_F(HostTest, AnAutomaticPortIsNoneThatSomebodyNamed) {
    NamedPorts odd;
    for (std::uint16_t port = 20001; port < 30000; port += 2)
        odd.insert(port);
    for (int i = 0; i < 20; ++i) { // half of the time the first offer will not do
        const auto lease = lease_free_port(*host, "127.0.0.1", "tcp", odd);
        ASSERT_TRUE(lease) << lease.error().text;
        EXPECT_EQ(lease->port % 2, 0);
    }
}

TEST_F(HostTest, RefusesASocketPathThatIsTooLong) {
    const auto fd = host->listen_unix_fd("/tmp/" + std::string(110, 'x'));
    ASSERT_FALSE(fd);
    EXPECT_NE(fd.error().text.find("107"), std::string::npos);
}

TEST(FileLock, NamesItsHolderAndNothingOfTheOneBefore) {
    const auto path = std::filesystem::temp_directory_path() / ("castra-lock-" + std::to_string(::getpid()));
    ASSERT_TRUE(FileLock::try_lock(path, "a holder with a long name"));
    const auto held = FileLock::try_lock(path, "me");
    ASSERT_TRUE(held);
    const auto refused = FileLock::try_lock(path, "you");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::busy);
    EXPECT_EQ(refused.error().text, "lock " + path.string() + " is held by me");
    std::filesystem::remove(path);
}

TEST(Files, ReplaceLeavesTheOldOrTheNewAndNothingElse) {
    const auto dir = std::filesystem::temp_directory_path() / ("castra-files-" + std::to_string(::getpid()));
    ASSERT_TRUE(files::make_directories(dir));
    EXPECT_TRUE(files::replace(dir / "a", "one"));
    EXPECT_TRUE(files::replace(dir / "a", "two"));
    EXPECT_EQ(files::read(dir / "a", 10).value(), "two");
    EXPECT_FALSE(files::read(dir / "a", 2)) << "larger than asked for";
    EXPECT_EQ(files::read(dir / "b", 2).error().code, ErrorCode::not_found);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir), {}), 1);
    EXPECT_TRUE(files::replace(dir / "a", ""));
    EXPECT_EQ(files::read(dir / "a", 10).value(), "");
    std::filesystem::create_symlink("/etc", dir / "link");
    EXPECT_TRUE(files::remove_tree(dir));
    EXPECT_TRUE(std::filesystem::exists("/etc/passwd"));
}

TEST(Files, ReadsWhatHasNoSizeOfItsOwn) {
    std::ifstream in("/proc/cpuinfo");
    const std::string first(std::istreambuf_iterator<char>(in), {});
    const auto read = files::read("/proc/cpuinfo", 1 << 20); // longer than a page
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_GT(read->size(), 1000U);
    EXPECT_EQ(read->substr(0, 100), first.substr(0, 100));
    EXPECT_EQ(std::ranges::count(*read, '\n'), std::ranges::count(first, '\n'));
    EXPECT_FALSE(files::read("/proc/cpuinfo", 100));
    EXPECT_FALSE(files::read("/proc", 100)) << "a directory";
}

TEST(Files, HashesAndDecodes) {
    EXPECT_EQ(files::sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(files::decode_base64("aGVsbG8="), "hello");
    EXPECT_EQ(files::decode_base64("!"), "");
}

} // namespace
} // namespace castra
