// SPDX-License-Identifier: Apache-2.0
#include "host/left_behind.hpp"

#include "host/directory.hpp"
#include "host/files.hpp"
#include "host/system_process.hpp"

#include <charconv>
#include <csignal>
#include <ctime>
#include <functional>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace castra {
namespace {

constexpr unsigned signal_process_group = 4; // PIDFD_SIGNAL_PROCESS_GROUP, which Debian 12's headers do not have

int kill_by(int pidfd, unsigned flags) {
    return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, flags));
}

constexpr int death_wait_ms = 200;
constexpr std::size_t environment_bytes_max = 4U << 20;

// SIGKILL to each of the session that `is_meant`.
void end_members(int leader, const std::function<bool(int)>& is_meant) {
    const auto proc = Directory::open("/proc");
    const auto entries = proc ? proc->entries() : Result<std::vector<Directory::Entry>>();
    if (!entries) return;
    for (const auto& entry : *entries) {
        int pid = 0;
        const auto* end = entry.name.data() + entry.name.size();
        if (std::from_chars(entry.name.data(), end, pid).ptr != end || ::getsid(pid) != leader) continue;
        const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
        if (!pidfd) continue;
        // Only now: the descriptor pins the process, so this belongs to it.
        if (!is_meant(pid) || ::getsid(pid) != leader || kill_by(pidfd.get(), 0) != 0) continue;
        pollfd gone{pidfd.get(), POLLIN, 0};
        (void)::poll(&gone, 1, death_wait_ms); // what it held is free then
    }
}

} // namespace

std::uint64_t ticks_now() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
    return static_cast<std::uint64_t>(now.tv_sec) * per_second +
           static_cast<std::uint64_t>(now.tv_nsec) * per_second / 1'000'000'000;
}

void end_left_behind(int pidfd, ProcessId leader, std::uint64_t alive_ticks) {
    if (::kill(-leader.pid, 0) != 0) return; // nobody, or a group of another user
    if (kill_by(pidfd, signal_process_group) != 0 && errno == EINVAL) end_session_members(leader.pid, alive_ticks);
}

void end_session_members(int leader, std::uint64_t alive_ticks) {
    end_members(leader, [&](int pid) {
        const auto began = start_ticks_of(pid);
        return began && *began <= alive_ticks;
    });
}

void end_marked_session(ProcessId leader, const std::string& mark) {
    if (leader.pid <= 0 || start_ticks_of(leader.pid).value_or(0) == leader.start_ticks) return; // it lives
    end_members(leader.pid, [&](int pid) {
        const auto environment = files::read("/proc/" + std::to_string(pid) + "/environ", environment_bytes_max);
        return environment && ('\0' + *environment).find('\0' + mark + '\0') != std::string::npos;
    });
}

} // namespace castra
