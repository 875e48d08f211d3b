// SPDX-License-Identifier: Apache-2.0
// Gives a request to the project's supervisor and waits until it begins to answer.
#pragma once
#include "operations/supervisor_client.hpp"

namespace castra {

inline constexpr const char* cancel_line = "{\"cancel\":\"signal\"}\n"; // what a supervisor understands

// A request that a supervisor has begun to answer.
struct Taken {
    std::shared_ptr<Stream> stream;
    ProcessId supervisor; // 0: nobody can tell
    std::string first_line;
};

// Of one that says nothing a person is told after five seconds, on stderr. Errors: what SupervisorStart::connect has;
// timeout, it was silent for a minute, or for five seconds more than the request's own limit; cancelled: `cancel`
// opened, and it did not answer that either. A request that was given up is cancelled, should it be read after all.
// Thread: the kernel's.
Task<Result<Taken>> hand_over(Host& host, SupervisorStart& supervisor, Layout layout, Request request,
                              std::shared_ptr<Gate> cancel);

} // namespace castra
