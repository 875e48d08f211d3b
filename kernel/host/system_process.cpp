// SPDX-License-Identifier: Apache-2.0
#include "host/system_process.hpp"

#include "host/birth.hpp"
#include "host/files.hpp"
#include "host/left_behind.hpp"

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

enum class Bond { child, adopted, observed };

class SystemProcess final : public Process {
public:
    SystemProcess(const Executor& executor, UniqueFd pidfd, ProcessId id, Bond bond,
                  std::unique_ptr<HeldChild> held = {})
        : pidfd_(executor, pidfd.release()), ended_(executor), id_(id), bond_(bond), held_(std::move(held)) {
        look();
    }

    Result<> release() override {
        const auto held = std::exchange(held_, nullptr);
        return held ? held->release() : Result<>();
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
        look();
        if (pidfd_signal(pidfd_.native_handle(), number) != 0 && errno != ESRCH)
            return fail_errno("signal process " + std::to_string(id_.pid));
        return {};
    }

private:
    void reap() {
        if (bond_ == Bond::child) {
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
        } else if (bond_ == Bond::adopted) {
            end_left_behind(pidfd_.native_handle(), id_, alive_ticks_);
        }
        ended_.open();
    }

    // Whether it lives now: who is in its session until then is its own, should it be another's child.
    void look() {
        const auto now = ticks_now();
        if (!is_readable(pidfd_.native_handle())) alive_ticks_ = now;
    }

    asio::posix::stream_descriptor pidfd_;
    Gate ended_;
    ProcessId id_;
    ExitStatus status_;
    Bond bond_;
    std::uint64_t alive_ticks_ = 0;
    std::unique_ptr<HeldChild> held_; // until it is released
};

// By the owner of its files in /proc; those of a process that does not want to be looked into belong to root, and its
// status tells then.
bool belongs_to_us(int proc_file, int pid) {
    static const auto us = ::geteuid(); // castra never changes who it is
    struct stat info {};
    if (fstat(proc_file, &info) != 0) return false;
    if (info.st_uid == us) return true;
    char text[2048];
    UniqueFd fd(::open(("/proc/" + std::to_string(pid) + "/status").c_str(), O_RDONLY | O_CLOEXEC));
    const auto size = fd ? ::read(fd.get(), text, sizeof text - 1) : -1;
    if (size <= 0) return false;
    text[size] = '\0';
    const char* uids = std::strstr(text, "\nUid:\t"); // real, effective, saved, of files
    const char* effective = uids ? std::strchr(uids + 6, '\t') : nullptr;
    return effective && std::strtoul(effective + 1, nullptr, 10) == us;
}

} // namespace

Result<std::uint64_t> start_ticks_of(int pid) {
    const auto what = "process " + std::to_string(pid);
    if (pid <= 0) return fail(ErrorCode::not_found, what + " cannot exist");
    // The quick way to know that there is none; status asks it of a thousand.
    if (::kill(pid, 0) != 0 && errno == ESRCH) return fail(ErrorCode::not_found, what + " does not exist");
    char text[1024];
    UniqueFd fd(::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
    const auto size = fd ? ::read(fd.get(), text, sizeof text - 1) : -1;
    if (size <= 0) return fail(ErrorCode::not_found, what + " does not exist");
    text[size] = '\0';
    if (!belongs_to_us(fd.get(), pid)) return fail(ErrorCode::not_found, what + " belongs to another user");
    const char* at = std::strrchr(text, ')'); // the name may hold anything, a parenthesis included
    if (!at || std::strlen(at) < 4) return fail(ErrorCode::io, what + ": /proc/PID/stat is unreadable");
    if (at[2] == 'Z' || at[2] == 'X') return fail(ErrorCode::not_found, what + " has ended");
    at += 2; // field 3
    for (int field = 3; field < 22 && at; ++field)
        at = std::strchr(at + 1, ' ');
    if (!at) return fail(ErrorCode::io, what + ": /proc/PID/stat is unreadable");
    return std::strtoull(at + 1, nullptr, 10);
}

bool is_process_stopped(int pid) {
    const auto stat = files::read("/proc/" + std::to_string(pid) + "/stat", 4096);
    const auto at = stat ? stat->rfind(')') : std::string::npos;
    return at != std::string::npos && at + 2 < stat->size() && ((*stat)[at + 2] == 'T' || (*stat)[at + 2] == 't');
}

Result<std::unique_ptr<Process>> spawn_process(const Executor& executor, const SpawnRequest& request,
                                               const DescriptorLimit& limit) {
    CASTRA_TRY(born, give_birth(request, limit));
    UniqueFd pidfd(pidfd_open(born.pid));
    if (!pidfd) {
        const int open_error = errno;
        ::kill(born.pid, SIGKILL);
        waitpid(born.pid, nullptr, 0);
        return fail_errno("run " + request.program + ": pidfd_open", open_error);
    }
    const ProcessId id{born.pid, start_ticks_of(born.pid).value_or(0)};
    return std::make_unique<SystemProcess>(executor, std::move(pidfd), id, Bond::child, std::move(born.held));
}

Result<std::unique_ptr<Process>> open_process(const Executor& executor, ProcessId id, bool is_ours) {
    const auto what = "process " + std::to_string(id.pid);
    if (id.pid <= 0) return fail(ErrorCode::not_found, what + " cannot exist");
    UniqueFd pidfd(pidfd_open(id.pid));
    if (!pidfd) return fail(ErrorCode::not_found, what + " does not exist");
    // Only now: the descriptor pins the process, so what /proc says belongs to it.
    const auto ticks = start_ticks_of(id.pid);
    if (!ticks) return Failure(ticks.error());
    if (*ticks != id.start_ticks) return fail(ErrorCode::not_found, what + " is another process that got its number");
    return std::make_unique<SystemProcess>(executor, std::move(pidfd), id, is_ours ? Bond::adopted : Bond::observed);
}

} // namespace castra
