// SPDX-License-Identifier: Apache-2.0
// The other end of the supervisor's socket: finds the project's supervisor or starts one.
#pragma once
#include "operations/request.hpp"
#include "operations/workshop.hpp"

namespace castra {

// A supervisor that is being started. prepare() costs nothing to undo: the new process loads itself, beside whatever
// the caller checks meanwhile, and touches nothing before it is told to go; without that word it ends. Owner: one
// command. Thread: the kernel's.
class SupervisorStart {
public:
    SupervisorStart(Workshop& workshop, Layout layout, std::string config_path);

    // Begins to start one, unless one answers already. Errors are kept for connect().
    Task<> prepare();
    // A connection to a supervisor that is ready to take a request; starts one when none answers. Two callers at once
    // start one. Errors: busy, io, timeout.
    Task<Result<Stream>> connect();
    // Nothing is to be done after all: the process that prepare() began is gone when this returns.
    Task<> abandon();

private:
    Task<Result<Stream>> connect_to_ours();
    Result<> spawn();
    Task<Result<>> go();

    Workshop& workshop_;
    Layout layout_;
    std::string config_path_;
    std::unique_ptr<Process> process_;
    std::optional<Stream> wire_; // to the process, until it is ready
};

} // namespace castra
