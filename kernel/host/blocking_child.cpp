// SPDX-License-Identifier: Apache-2.0
#include "host/blocking_child.hpp"

#include "host/exec_words.hpp"

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace castra {
namespace {

constexpr int child_fd = 3;

class SpawnSettings {
public:
    SpawnSettings() {
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        sigset_t all;
        sigset_t none;
        sigfillset(&all);
        sigemptyset(&none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    ~SpawnSettings() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
};

int wait_ms(BlockingChild::Time deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
}

std::string ending_of(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) return "exit code " + std::to_string(info.si_status);
    const char* name = sigabbrev_np(info.si_status);
    return name ? std::string("SIG") + name : "signal " + std::to_string(info.si_status);
}

} // namespace

Result<std::unique_ptr<BlockingChild>> BlockingChild::spawn(const ChildRequest& request) {
    const auto doing = "run " + request.program.string();
    SpawnSettings settings;
    posix_spawn_file_actions_addopen(&settings.actions, 0, "/dev/null", O_RDONLY, 0);
    // Above every number that is written to, so that no dup2 overwrites another's source.
    const UniqueFd output(fcntl(request.output_fd >= 0 ? request.output_fd : STDERR_FILENO, F_DUPFD_CLOEXEC, 10));
    if (output) {
        posix_spawn_file_actions_adddup2(&settings.actions, output.get(), 1);
        posix_spawn_file_actions_adddup2(&settings.actions, output.get(), 2);
    }
    UniqueFd moved;
    if (request.fd >= 0) {
        moved.reset(fcntl(request.fd, F_DUPFD_CLOEXEC, 10));
        if (!moved) return fail_errno(doing + ": duplicate a descriptor");
        posix_spawn_file_actions_adddup2(&settings.actions, moved.get(), child_fd);
    }
    posix_spawn_file_actions_addclosefrom_np(&settings.actions, request.fd >= 0 ? child_fd + 1 : child_fd);

    auto argv = exec_words(request.argv);
    auto env = exec_words(request.env);
    env.pop_back();
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
        env.push_back(*entry);
    env.push_back(nullptr);
    pid_t pid = -1;
    const int problem =
        posix_spawn(&pid, request.program.c_str(), &settings.actions, &settings.attributes, argv.data(), env.data());
    if (problem != 0) return fail_errno(doing, problem);
    UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd) {
        const int open_error = errno;
        ::kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        return fail_errno(doing + ": pidfd_open", open_error);
    }
    return std::unique_ptr<BlockingChild>(new BlockingChild(pid, std::move(pidfd)));
}

BlockingChild::~BlockingChild() {
    end(std::chrono::milliseconds(0));
}

void BlockingChild::signal(int number) {
    const std::scoped_lock lock(mutex_);
    if (!ended_) syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

std::optional<std::string> BlockingChild::wait(Time deadline) {
    pollfd ask{pidfd_.get(), POLLIN, 0};
    while (true) {
        const int ready = ::poll(&ask, 1, wait_ms(deadline));
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) return std::nullopt;
        break;
    }
    const std::scoped_lock lock(mutex_);
    if (!ended_) {
        // While the leader is a zombie its number cannot be recycled: the moment to end what it left in its session.
        ::kill(-pid_, SIGKILL);
        siginfo_t info{};
        int waited = 0;
        do
            waited = waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), &info, WEXITED);
        while (waited != 0 && errno == EINTR);
        ended_ = waited == 0 ? ending_of(info) : "an unknown end";
    }
    return ended_;
}

std::string BlockingChild::end(std::chrono::milliseconds grace) {
    using Clock = std::chrono::steady_clock;
    if (const auto ended = wait(Clock::now())) return *ended;
    if (grace.count() > 0) {
        signal(SIGTERM);
        if (const auto ended = wait(Clock::now() + grace)) return *ended;
    }
    signal(SIGKILL);
    // Nothing escapes SIGKILL but a process that is stuck in the machine's kernel.
    return wait(Clock::now() + std::chrono::seconds(10)).value_or("it survived SIGKILL");
}

} // namespace castra
