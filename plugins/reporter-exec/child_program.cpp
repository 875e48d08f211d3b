// SPDX-License-Identifier: Apache-2.0
#include "child_program.hpp"

#include "castra/sdk/refusal.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace castra::exec {
namespace {

// What a child begins with, whatever this process has made of itself.
class Attributes {
public:
    Attributes() {
        ::posix_spawnattr_init(&value_);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_setsigmask(&value_, &none);
        ::posix_spawnattr_setsigdefault(&value_, &all);
        ::posix_spawnattr_setflags(&value_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes() { ::posix_spawnattr_destroy(&value_); }
    const posix_spawnattr_t* get() const { return &value_; }

private:
    posix_spawnattr_t value_{};
};

class Descriptors {
public:
    Descriptors(int input, bool discards_output) {
        ::posix_spawn_file_actions_init(&value_);
        ::posix_spawn_file_actions_adddup2(&value_, input, STDIN_FILENO);
        if (discards_output) ::posix_spawn_file_actions_addopen(&value_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_adddup2(&value_, STDERR_FILENO, STDOUT_FILENO); // never castra's event stream
        ::posix_spawn_file_actions_addclosefrom_np(&value_, 3);
    }
    Descriptors(const Descriptors&) = delete;
    Descriptors& operator=(const Descriptors&) = delete;
    ~Descriptors() { ::posix_spawn_file_actions_destroy(&value_); }
    const posix_spawn_file_actions_t* get() const { return &value_; }

private:
    posix_spawn_file_actions_t value_{};
};

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> out;
    for (auto& word : words)
        out.push_back(word.data());
    out.push_back(nullptr);
    return out;
}

std::string text_of(int status) {
    if (WIFEXITED(status)) return "exit code " + std::to_string(WEXITSTATUS(status));
    const auto* name = ::sigabbrev_np(WTERMSIG(status));
    return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(WTERMSIG(status));
}

} // namespace

ChildProgram::ChildProgram(const ProgramSpec& spec) {
    auto command = spec.command;
    std::vector<std::string> environment;
    for (const auto& [name, value] : spec.env)
        environment.push_back(name + "=" + value);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        throw sdk::Refusal({.code = "start", .title = "make a pipe", .detail = std::strerror(errno)});
    const auto failed = [&] {
        const Descriptors descriptors(ends[0], spec.discards_output);
        return ::posix_spawn(&pid_, command[0].c_str(), descriptors.get(), Attributes().get(),
                             pointers_to(command).data(), pointers_to(environment).data());
    }();
    ::close(ends[0]);
    input_ = ends[1];
    if (failed != 0) {
        ::close(input_);
        throw sdk::Refusal({.code = "start",
                            .title = "start " + command[0],
                            .detail = std::strerror(failed),
                            .field_path = "/command",
                            .hint = "command[0] is the absolute path of a program that you may run"});
    }
    ::fcntl(input_, F_SETFL, O_NONBLOCK);
    pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (pidfd_ >= 0) ::fcntl(pidfd_, F_SETFD, FD_CLOEXEC);
}

ChildProgram::~ChildProgram() {
    end_of_input();
    if (!status_) {
        ::kill(-pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    if (pidfd_ >= 0) ::close(pidfd_);
}

void ChildProgram::end_of_input() {
    if (input_ >= 0) ::close(input_);
    input_ = -1;
}

std::optional<std::string> ChildProgram::wait(std::chrono::milliseconds at_most, const sdk::Call& call) {
    const auto until = sdk::Call::Clock::now() + std::min(at_most, call.remaining());
    while (!status_) {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            status_ = status;
            break;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - sdk::Call::Clock::now());
        if (left.count() <= 0) return std::nullopt;
        pollfd fds[2] = {{pidfd_, POLLIN, 0}, {call.cancel_fd(), POLLIN, 0}};
        if (::poll(fds, 2, static_cast<int>(left.count())) > 0 && fds[1].revents != 0) return std::nullopt;
    }
    return text_of(*status_);
}

void ChildProgram::signal(int number) {
    if (!status_) ::kill(-pid_, number);
}

} // namespace castra::exec
