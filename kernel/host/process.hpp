// SPDX-License-Identifier: Apache-2.0
// Processes, held by pidfd: a number that was recycled is never signalled.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "host/async.hpp"

#include <memory>
#include <string>
#include <vector>

namespace castra {

// Names one process for ever on this boot. Units: start_ticks as in /proc/PID/stat field 22.
struct ProcessId {
    int pid = 0;
    std::uint64_t start_ticks = 0;
    friend bool operator==(const ProcessId&, const ProcessId&) = default;
};

struct ExitStatus {
    std::optional<int> exit_code;      // absent: a signal, or nobody of ours could wait for it
    std::optional<std::string> signal; // "SIGKILL"
};

struct InheritedFd {
    int fd = -1;     // ours
    int number = -1; // in the child
};

struct SpawnRequest {
    std::string program;           // absolute
    std::vector<std::string> argv; // argv[0] included
    std::vector<std::string> env;  // NAME=value, nothing else is passed on
    std::string working_dir;       // absolute
    std::string output_path;       // stdout and stderr, appended, 0600; empty: /dev/null
    bool held = false;             // do not run the program before release(): if castra dies first it never runs
    bool ends_with_us = false;     // killed when the thread that spawned it ends: tools, never VMs
    bool output_to_stderr = false; // stdout and stderr go to our stderr instead
    std::vector<InheritedFd> fds;  // beyond 0, 1, 2
};

// One process, ours or adopted. Dropping it does not end it.
// Owner: whoever spawned it. Thread: that of the executor.
class Process {
public:
    virtual ~Process() = default;
    virtual ProcessId id() const = 0;
    // Until it has ended; may be awaited again. If ours: what is left of its session is killed, then it is reaped.
    virtual Task<ExitStatus> wait() = 0;
    virtual bool has_exited() const = 0;
    // Lets a held process run its program. Errors: io, with why it cannot be run; the process has ended then.
    virtual Result<> release() = 0;
    // Errors: io. A process that has ended is no error.
    virtual Result<> signal(int number) = 0;
};

} // namespace castra
