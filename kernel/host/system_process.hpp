// SPDX-License-Identifier: Apache-2.0
// Process on the real machine. Linux: fork/exec, pidfd, /proc/PID/stat.
#pragma once
#include "host/descriptor_limit.hpp"
#include "host/process.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

namespace castra {

// Errors: not_found when the process does not live or is a zombie.
Result<std::uint64_t> start_ticks_of(int pid);
bool is_process_stopped(int pid); // by a signal or a debugger

Result<std::unique_ptr<Process>> spawn_process(const Executor& executor, const SpawnRequest& request,
                                               const DescriptorLimit& limit);
// `is_ours`: what it leaves in its session is ended with it.
Result<std::unique_ptr<Process>> open_process(const Executor& executor, ProcessId id, bool is_ours);

} // namespace castra
