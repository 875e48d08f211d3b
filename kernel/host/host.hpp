// SPDX-License-Identifier: Apache-2.0
// The seam to the machine: the only place that forks, signals, sleeps and opens sockets. Everything above sees this
// class; the simulation replaces it. Blocking calls here are short (a spawn, a file of a few KiB).
// Thread: one, that of executor(); while it waits for others, they may ask is_alive(), boot_id() and the clock.
#pragma once
#include "base/units.hpp"
#include "host/clock.hpp"
#include "host/port_lease.hpp"
#include "host/process.hpp"
#include "host/stream.hpp"

#include <filesystem>

namespace castra {

class Host {
public:
    virtual ~Host() = default;
    virtual Executor executor() = 0;
    virtual Clock& clock() = 0;

    // Time. Ends early when the awaiting coroutine is cancelled.
    virtual Task<> sleep_for(std::chrono::milliseconds duration) = 0;

    // Processes. spawn: Errors: not_found, io (exec's errno); nothing is left behind. A child is its own session.
    virtual Result<std::unique_ptr<Process>> spawn(const SpawnRequest& request) = 0;
    // A process that somebody else started; not_found when no such process lives (zombies and recycled numbers
    // included).
    virtual Result<std::unique_ptr<Process>> adopt(ProcessId id) = 0;
    // The same to learn of its end only. What an adopted one leaves in its session ends with it, as with a child.
    virtual Result<std::unique_ptr<Process>> observe(ProcessId id) = 0;
    virtual bool is_alive(ProcessId id) const = 0;
    virtual bool is_stopped(ProcessId id) const = 0; // by a signal (SIGSTOP) or a debugger
    // SIGKILL to what `leader`, which ended when nobody looked, has left in its session: whoever is there and has
    // `mark` (NAME=value) in its environment. Without the mark it may be somebody else's, which got the number.
    virtual void end_remains(ProcessId leader, const std::string& mark) = 0;
    virtual Result<std::string> find_program(const std::string& name) const = 0; // in PATH

    // Sockets.
    virtual Result<UniqueFd> listen_unix_fd(const std::filesystem::path& path) = 0; // for a child to inherit
    // "@name" is a name without a file (abstract), which anybody may connect to: look at the peer's user.
    virtual Result<Listener> listen_unix(const std::filesystem::path& path) = 0;
    // Where so many wait already that no more fit it tries for five seconds. Errors: io, preflight (too long a path).
    virtual Task<Result<Stream>> connect_unix(std::filesystem::path path) = 0;
    // One read end for us, one write end for a child.
    virtual Result<std::pair<Stream, UniqueFd>> notify_pair() = 0;

    // Ports. port 0: any free one outside the ephemeral range. Errors: busy, naming the port.
    virtual Result<PortLease> lease_port(const std::string& address, std::uint16_t port,
                                         const std::string& protocol) = 0;

    virtual std::string boot_id() const = 0; // of the machine
};

// The real machine. Owner: main. The io_context must outlive it.
std::unique_ptr<Host> make_system_host(asio::io_context& loop, Clock& clock);

} // namespace castra
