// SPDX-License-Identifier: Apache-2.0
#include "ssh/child.hpp"

#include "castra/sdk/refusal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace castra::ssh {
namespace {

using Clock = sdk::Call::Clock;

constexpr std::chrono::milliseconds end_grace{500};
constexpr std::chrono::milliseconds rest_wait{1000}; // for output that outlives the child
constexpr std::size_t piece_bytes = 128 * 1024;

[[noreturn]] void refuse(const std::string& program, int error) {
    throw sdk::Refusal({.code = "cannot_run",
                        .title = "run " + program + ": " + std::strerror(error),
                        .hint = error == ENOENT ? "install " + program : ""});
}

// A pair of connected descriptors, ours first. Sockets, so that writing to a child that is gone is an error and no
// signal.
std::pair<Fd, Fd> pair_of(const std::string& program) {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) refuse(program, errno);
    ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
    return {Fd(fds[0]), Fd(fds[1])};
}

// Nothing of castra's own environment but what ssh needs.
std::vector<std::string> environment() {
    std::vector<std::string> out{"LANG=C", "LC_ALL=C"};
    for (const char* name : {"PATH", "HOME", "USER", "LOGNAME", "SSH_AUTH_SOCK"})
        if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
    return out;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const auto& text : texts)
        out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

int ms_until(Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count() + 1;
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
}

} // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = other.fd_;
        other.fd_ = -1;
    }
    return *this;
}

void Fd::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

Child::Child(const std::vector<std::string>& argv) {
    auto stdin_pair = pair_of(argv.front());
    auto stdout_pair = pair_of(argv.front());
    auto stderr_pair = pair_of(argv.front());
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    // Above what is written to, so that no dup2 overwrites another's source.
    std::array<Fd, 3> theirs{Fd(::fcntl(stdin_pair.second.get(), F_DUPFD_CLOEXEC, 10)),
                             Fd(::fcntl(stdout_pair.second.get(), F_DUPFD_CLOEXEC, 10)),
                             Fd(::fcntl(stderr_pair.second.get(), F_DUPFD_CLOEXEC, 10))};
    for (int number = 0; number < 3; ++number)
        posix_spawn_file_actions_adddup2(&actions, theirs.at(static_cast<std::size_t>(number)).get(), number);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    const auto variables = environment();
    const int problem = ::posix_spawnp(&pid_, argv.front().c_str(), &actions, &attributes, pointers(argv).data(),
                                       pointers(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (problem != 0) refuse(argv.front(), problem);
    in = std::move(stdin_pair.first);
    out = std::move(stdout_pair.first);
    err = std::move(stderr_pair.first);
    pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
}

Child::~Child() {
    (void)end();
}

std::optional<Ending> Child::reap(bool block) {
    if (ended_) return ended_;
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | (block ? 0 : WNOHANG)) != 0)
        if (errno != EINTR) return ended_ = Ending{}; // somebody else has reaped it: how it ended is unknown
    if (info.si_pid == 0) return std::nullopt;
    Ending ending;
    if (info.si_code == CLD_EXITED)
        ending.exit_code = info.si_status;
    else
        ending.signal = info.si_status;
    return ended_ = ending;
}

std::optional<Ending> Child::wait(Clock::time_point deadline) {
    if (ended_) return ended_;
    if (pidfd_.is_open()) {
        pollfd ask{pidfd_.get(), POLLIN, 0};
        ::poll(&ask, 1, ms_until(deadline));
    }
    return reap(false);
}

Ending Child::end() {
    in.close();
    if (const auto ended = reap(false)) return *ended;
    ::kill(pid_, SIGTERM);
    if (const auto ended = wait(Clock::now() + end_grace)) return *ended;
    ::kill(pid_, SIGKILL);
    return reap(true).value_or(Ending{});
}

namespace {

class Talk {
public:
    Talk(Child& child, const Conversation& what, const sdk::Call& call) : child_(child), what_(what), call_(call) {}

    Ending run() {
        pending_ = what_.input;
        while (true) {
            if (const auto ended = step()) return *ended;
        }
    }

private:
    std::optional<Ending> step() {
        if (pending_.empty() && !has_source() && !what_.keeps_input_open) child_.in.close();
        std::array<pollfd, 7> fds{};
        fds[0] = {call_.cancel_fd(), POLLIN, 0};
        fds[1] = {has_ended_ ? -1 : child_.pidfd(), POLLIN, 0};
        fds[2] = {child_.out.get(), POLLIN, 0};
        fds[3] = {child_.err.get(), POLLIN, 0};
        fds[4] = {pending_.empty() ? -1 : child_.in.get(), POLLOUT, 0};
        fds[5] = {has_source() && pending_.empty() ? what_.source->out.get() : -1, POLLIN, 0};
        fds[6] = {what_.source != nullptr ? what_.source->err.get() : -1, POLLIN, 0};
        const auto deadline = call_.deadline().value_or(Clock::now() + std::chrono::hours(24));
        const auto until = has_ended_ ? std::min(deadline, rest_until_) : deadline;
        const int ready = ::poll(fds.data(), fds.size(), ms_until(until));
        if (ready < 0 && errno != EINTR) return finish(Ending::Why::exited);
        if (fds[0].revents != 0) return finish(Ending::Why::cancelled);
        if (Clock::now() >= deadline) return finish(Ending::Why::timed_out);
        if (fds[2].revents != 0) read_all(child_.out, what_.on_output);
        if (fds[3].revents != 0) read_all(child_.err, what_.on_error);
        if (fds[6].revents != 0) read_all(what_.source->err, what_.on_source_error);
        if (what_.is_enough && what_.is_enough()) return Ending{Ending::Why::enough, -1, 0};
        if (fds[5].revents != 0) take_from_source();
        if (fds[4].revents != 0) send_some();
        if (fds[1].revents != 0) {
            has_ended_ = true;
            rest_until_ = Clock::now() + rest_wait;
        }
        const bool is_silent = !child_.out.is_open() && !child_.err.is_open();
        if (has_ended_ && (is_silent || Clock::now() >= rest_until_)) return finish(Ending::Why::exited);
        return std::nullopt;
    }

    bool has_source() const { return what_.source != nullptr && what_.source->out.is_open(); }

    Ending finish(Ending::Why why) {
        auto ending =
            why == Ending::Why::exited ? child_.wait(Clock::now() + end_grace).value_or(Ending{}) : child_.end();
        ending.why = why;
        return ending;
    }

    // What is there now, and no more: a flood must not keep us from looking at the deadline.
    static void read_all(Fd& from, const std::function<void(std::string_view)>& tell) {
        std::array<char, 16 * 1024> piece; // NOLINT(*-member-init): filled before it is read
        const auto got = ::read(from.get(), piece.data(), piece.size());
        if (got > 0 && tell) tell({piece.data(), static_cast<std::size_t>(got)});
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) from.close();
    }

    void take_from_source() {
        pending_.resize(piece_bytes);
        const auto got = ::read(what_.source->out.get(), pending_.data(), pending_.size());
        pending_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) what_.source->out.close();
        from_source_ = true;
    }

    void send_some() {
        const auto sent = ::send(child_.in.get(), pending_.data() + at_, pending_.size() - at_, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) { // it does not read any more: it will say why
            pending_.clear();
            at_ = 0;
            child_.in.close();
            if (what_.source != nullptr) what_.source->out.close();
            return;
        }
        if (sent <= 0) return;
        at_ += static_cast<std::size_t>(sent);
        if (from_source_ && what_.on_sent) what_.on_sent(total_ += sent);
        if (at_ < pending_.size()) return;
        pending_.clear();
        at_ = 0;
    }

    Child& child_;
    const Conversation& what_;
    const sdk::Call& call_;
    std::string pending_;
    std::size_t at_ = 0;
    std::int64_t total_ = 0;
    bool from_source_ = false;
    bool has_ended_ = false;
    Clock::time_point rest_until_;
};

} // namespace

Ending converse(Child& child, const Conversation& what, const sdk::Call& call) {
    return Talk(child, what, call).run();
}

} // namespace castra::ssh
