// SPDX-License-Identifier: Apache-2.0
// What a process that was not our child has left in its session when it ended. Of a child this is simple: while it is a
// zombie nobody gets its number.
#pragma once
#include "host/process.hpp"

namespace castra {

// Now, in the unit of ProcessId::start_ticks.
std::uint64_t ticks_now();

// SIGKILL to the process group of `leader`, which has ended; `pidfd` is its, `alive_ticks` a time at which it still
// lived. Its number may be another's by now: such a process is not touched.
void end_left_behind(int pidfd, ProcessId leader, std::uint64_t alive_ticks);

// The same where the kernel cannot signal the group of a pidfd (before Linux 6.9): whoever is in that session and has
// been since before `alive_ticks`. Nobody else can be: the session's number was the leader's until then.
void end_session_members(int leader, std::uint64_t alive_ticks);

// The same of a leader that ended when nobody looked: whoever is in that session and has `mark` in its environment.
void end_marked_session(ProcessId leader, const std::string& mark);

} // namespace castra
