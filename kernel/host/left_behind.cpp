// SPDX-License-Identifier: Apache-2.0
#include "host/left_behind.hpp"

#include "host/directory.hpp"
#include "host/system_process.hpp"

#include <charconv>
#include <csignal>
#include <ctime>
#include <sys/syscall.h>
#include <unistd.h>

namespace castra {
namespace {

constexpr unsigned signal_process_group = 4; // PIDFD_SIGNAL_PROCESS_GROUP, which Debian 12's headers do not have

int kill_by(int pidfd, unsigned flags) {
    return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, flags));
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
        const auto began = start_ticks_of(pid);
        if (began && *began <= alive_ticks && ::getsid(pid) == leader) (void)kill_by(pidfd.get(), 0);
    }
}

} // namespace castra
