// SPDX-License-Identifier: Apache-2.0
#include "host/system_process.hpp"

#include "host/files.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace castra {
namespace {

int pidfd_open(int pid) {
    return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

int pidfd_signal(int pidfd, int number) {
    return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0));
}

bool is_readable(int fd) {
    pollfd ask{fd, POLLIN, 0};
    return ::poll(&ask, 1, 0) == 1;
}

std::string signal_name(int number) {
    const char* name = sigabbrev_np(number);
    return name ? std::string("SIG") + name : "signal " + std::to_string(number);
}

// What the child reports before it has become the program: the errno that stopped it; nothing when it runs.
Result<> read_report(const UniqueFd& report, const std::string& doing) {
    int error = 0;
    ssize_t size = 0;
    do
        size = ::read(report.get(), &error, sizeof error);
    while (size < 0 && errno == EINTR);
    if (size == sizeof error) return fail_errno(doing, error);
    return {};
}

class SystemProcess final : public Process {
public:
    SystemProcess(const Executor& executor, UniqueFd pidfd, ProcessId id, bool is_child)
        : pidfd_(executor, pidfd.release()), ended_(executor), id_(id), is_child_(is_child) {}

    // Until release() the child waits for a byte on `go`; its end means that castra died.
    void hold(UniqueFd go, UniqueFd report, std::string doing) {
        go_ = std::move(go);
        report_ = std::move(report);
        doing_ = std::move(doing);
    }
    Result<> release() override {
        if (!go_) return {};
        const char word = 'g';
        const bool told = ::write(go_.get(), &word, 1) == 1;
        go_.reset();
        if (!told) return fail(ErrorCode::io, doing_ + ": it ended while it was held");
        auto answer = read_report(report_, doing_);
        report_.reset();
        return answer;
    }

    ProcessId id() const override { return id_; }
    bool has_exited() const override { return ended_.is_open(); }

    Task<ExitStatus> wait() override {
        boost::system::error_code error;
        while (!ended_.is_open() && !error) {
            co_await pidfd_.async_wait(asio::posix::stream_descriptor::wait_read,
                                       asio::redirect_error(asio::use_awaitable, error));
            // A wake-up is a hint: epoll may still hold one for an earlier descriptor of the same number.
            if (!error && !ended_.is_open() && is_readable(pidfd_.native_handle())) reap();
        }
        co_return status_;
    }

    Result<> signal(int number) override {
        if (ended_.is_open()) return {};
        if (pidfd_signal(pidfd_.native_handle(), number) != 0 && errno != ESRCH)
            return fail_errno("signal process " + std::to_string(id_.pid));
        return {};
    }

private:
    void reap() {
        if (is_child_) {
            // While the leader is a zombie its number cannot be recycled: the moment to end what it left in its
            // session.
            siginfo_t info{};
            ::kill(-id_.pid, SIGKILL);
            if (waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.native_handle()), &info, WEXITED) ==
                0) {
                if (info.si_code == CLD_EXITED)
                    status_.exit_code = info.si_status;
                else
                    status_.signal = signal_name(info.si_status);
            }
        }
        ended_.open();
    }

    asio::posix::stream_descriptor pidfd_;
    Gate ended_;
    ProcessId id_;
    ExitStatus status_;
    bool is_child_;
    UniqueFd go_, report_;
    std::string doing_;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const auto& text : texts)
        out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

// Everything that the child does between fork and exec; only async-signal-safe calls. Returns the errno of what failed.
struct ChildSetup {
    const char* program;
    char* const* argv;
    char* const* env;
    const char* working_dir;
    int input, output;
    std::vector<InheritedFd> fds; // fd moved above every target number beforehand
    int number_end = 3;
    int go = -1;    // held: a byte must come before it becomes the program
    int parent = 0; // ends_with_us: who that is

    // Held, all but the last step is done while castra writes down who it is.
    [[nodiscard]] int run() const {
        const int error = prepare();
        if (char word = 0; go >= 0 && ::read(go, &word, 1) != 1) _exit(127);
        if (error != 0) return error;
        execve(program, argv, env);
        return errno;
    }

private:
    [[nodiscard]] int prepare() const {
        setsid();
        if (parent != 0) {
            if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
            if (getppid() != parent) _exit(127); // it ended before it was asked for
        }
        umask(0077);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        for (int number = 1; number < NSIG; ++number)
            ::signal(number, SIG_DFL);
        // Whatever a library opened without O_CLOEXEC must not reach a guest's process.
        syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
        if (chdir(working_dir) != 0) return errno;
        if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) return errno;
        for (const auto& [fd, number] : fds)
            if (dup2(fd, number) < 0) return errno;
        return 0;
    }
};

} // namespace

Result<std::uint64_t> start_ticks_of(int pid) {
    const auto what = "process " + std::to_string(pid);
    if (pid <= 0) return fail(ErrorCode::not_found, what + " cannot exist");
    char text[1024];
    UniqueFd fd(::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
    const auto size = fd ? ::read(fd.get(), text, sizeof text - 1) : -1;
    if (size <= 0) return fail(ErrorCode::not_found, what + " does not exist");
    text[size] = '\0';
    const char* at = std::strrchr(text, ')'); // the name may hold anything, a parenthesis included
    if (!at || std::strlen(at) < 4) return fail(ErrorCode::io, what + ": /proc/PID/stat is unreadable");
    if (at[2] == 'Z' || at[2] == 'X') return fail(ErrorCode::not_found, what + " has ended");
    at += 2; // field 3
    for (int field = 3; field < 22 && at; ++field)
        at = std::strchr(at + 1, ' ');
    if (!at) return fail(ErrorCode::io, what + ": /proc/PID/stat is unreadable");
    return std::strtoull(at + 1, nullptr, 10);
}

Result<std::unique_ptr<Process>> spawn_process(const Executor& executor, const SpawnRequest& request) {
    const auto doing = "run " + request.program;
    UniqueFd input(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!input) return fail_errno(doing + ": open /dev/null");
    UniqueFd output;
    if (!request.output_path.empty()) {
        output.reset(::open(request.output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!output) return fail_errno(doing + ": open " + request.output_path);
    }
    if (request.output_to_stderr) output.reset(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
    const auto argv = pointers(request.argv);
    const auto env = pointers(request.env);
    ChildSetup child{request.program.c_str(),
                     argv.data(),
                     env.data(),
                     request.working_dir.c_str(),
                     input.get(),
                     output ? output.get() : input.get(),
                     {},
                     3,
                     -1,
                     request.ends_with_us ? ::getpid() : 0};
    for (const auto& fd : request.fds)
        child.number_end = std::max(child.number_end, fd.number + 1);
    std::vector<UniqueFd> moved; // no source may be overwritten by another's dup2
    for (const auto& fd : request.fds) {
        moved.emplace_back(fcntl(fd.fd, F_DUPFD_CLOEXEC, child.number_end));
        if (!moved.back()) return fail_errno(doing + ": duplicate a descriptor");
        child.fds.push_back({moved.back().get(), fd.number});
    }
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return fail_errno(doing);
    UniqueFd report_read(report[0]);
    UniqueFd report_write(fcntl(report[1], F_DUPFD_CLOEXEC, child.number_end));
    ::close(report[1]);

    UniqueFd go_read;
    UniqueFd go_write;
    if (request.held) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno(doing);
        go_write.reset(ends[1]);
        go_read.reset(fcntl(ends[0], F_DUPFD_CLOEXEC, child.number_end)); // not in the way of a dup2
        ::close(ends[0]);
        if (!go_read) return fail_errno(doing + ": duplicate a descriptor");
        child.go = go_read.get();
    }

    // Signals are held back so that the child never runs a handler of ours.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // vfork: the child borrows our memory until it is the program, so nothing of it is marked for copying, which costs
    // milliseconds. A held child must have its own, as we go on while it waits.
    const int pid = request.held ? fork() : vfork();
    const int fork_error = errno;
    if (pid == 0) {
        if (request.held) ::close(go_write.get()); // or the end of castra would never be the end of the pipe
        const int error = child.run();
        [[maybe_unused]] const auto sent = ::write(report_write.get(), &error, sizeof error);
        _exit(127);
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) return fail_errno(doing + ": fork", fork_error);
    report_write.reset();
    if (!request.held) {
        if (auto runs = read_report(report_read, doing); !runs) {
            waitpid(pid, nullptr, 0);
            return Failure(runs.error());
        }
    }
    UniqueFd pidfd(pidfd_open(pid));
    if (!pidfd) {
        const int open_error = errno;
        ::kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        return fail_errno(doing + ": pidfd_open", open_error);
    }
    const ProcessId id{pid, start_ticks_of(pid).value_or(0)};
    auto process = std::make_unique<SystemProcess>(executor, std::move(pidfd), id, true);
    if (request.held) process->hold(std::move(go_write), std::move(report_read), doing);
    return process;
}

Result<std::unique_ptr<Process>> adopt_process(const Executor& executor, ProcessId id) {
    const auto what = "process " + std::to_string(id.pid);
    if (id.pid <= 0) return fail(ErrorCode::not_found, what + " cannot exist");
    UniqueFd pidfd(pidfd_open(id.pid));
    if (!pidfd) return fail(ErrorCode::not_found, what + " does not exist");
    // Only now: the descriptor pins the process, so what /proc says belongs to it.
    const auto ticks = start_ticks_of(id.pid);
    if (!ticks) return Failure(ticks.error());
    if (*ticks != id.start_ticks) return fail(ErrorCode::not_found, what + " is another process that got its number");
    return std::make_unique<SystemProcess>(executor, std::move(pidfd), id, false);
}

} // namespace castra
