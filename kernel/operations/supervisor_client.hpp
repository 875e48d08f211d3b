// SPDX-License-Identifier: Apache-2.0
// The other end of the supervisor's socket: finds the project's supervisor or starts one.
#pragma once
#include "operations/request.hpp"
#include "operations/workshop.hpp"

namespace castra {

// The supervisor's other name, for whoever has lost the way to its socket: the runtime directory went (a logout takes
// XDG_RUNTIME_DIR along), or it is another one here. It has no file, so whoever reaches it looks who is there.
std::string supervisor_name(const Layout& layout, uid_t user);
// A connection to a supervisor of `user`, by its socket or by its other name; starts none. Errors: io, protocol (the
// process at our path is another user's).
Task<Result<Stream>> reach_supervisor(Host& host, Layout layout, uid_t user);

// A supervisor that is being started. It touches nothing before it is told to go, and without that word it ends: so it
// can be asked first what it thinks of a request. Owner: one command. Thread: the kernel's.
class SupervisorStart {
public:
    SupervisorStart(Workshop& workshop, Layout layout, std::string config_path);

    // What stands in the way of an up, as the process sees it that will carry it out: what it loads for that it need
    // not load again, and a plugin that crashes there takes nothing along. Nothing, when a supervisor runs already: it
    // judges for itself.
    Task<std::vector<Error>> judge(const Request& request);
    // A connection to a supervisor that is ready to take a request; starts one when none answers. Two callers at once
    // start one. Errors: busy, io, timeout.
    Task<Result<Stream>> connect();
    // Nothing is to be done after all: the process that judge() began is gone when this returns.
    Task<ExitStatus> abandon();

private:
    Task<Result<Stream>> reach();
    Result<> spawn();
    Task<Result<std::string>> ask(std::string line, Milliseconds wait);
    Task<Result<>> go();

    Workshop& workshop_;
    Layout layout_;
    std::string config_path_;
    std::unique_ptr<Process> process_;
    std::optional<Stream> wire_; // to the process, until it is ready
};

} // namespace castra
