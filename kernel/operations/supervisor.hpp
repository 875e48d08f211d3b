// SPDX-License-Identifier: Apache-2.0
// The supervisor: a ProjectKernel behind a unix socket. Serves one request a connection, streams the run's events back
// as they happen, and ends itself when no VM lives and nobody is connected. Crash-only: killed at any instant, its VMs
// go on and the next one adopts them.
// Protocol (one JSON object a line): client -> request, later perhaps {"cancel":"SIGINT"}; server -> the run's events.
// The socket is mode 0600 in a directory of mode 0700, and the peer's user is checked.
#pragma once
#include "operations/project_kernel.hpp"

namespace castra {

class Supervisor {
public:
    explicit Supervisor(Workshop& workshop, std::unique_ptr<ProjectKernel> kernel);

    // Errors: io, when the socket cannot be made.
    Result<> listen();
    // Until idle.
    Task<> serve();

private:
    Task<> accept_clients(Listener& listener);
    Task<> serve_client(Stream stream);
    void check_idle();

    Workshop& workshop_;
    std::unique_ptr<ProjectKernel> kernel_;
    std::optional<Listener> listener_, named_; // by its socket, by its other name
    Gate idle_;
    int clients_ = 0;
    bool had_client_ = false;
};

} // namespace castra
