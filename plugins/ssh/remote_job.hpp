// SPDX-License-Identifier: Apache-2.0
// A program in the guest, run so that it does not outlive us: in remote_dir, with the environment of the bootstrap, in
// a session of its own that is ended when our connection is. The environment's values travel on stdin, never on a
// command line that others in the guest could see. Works with dash and busybox ash.
#pragma once
#include "ssh/masked_log.hpp"
#include "ssh/session.hpp"

namespace castra::ssh {

struct RemoteJob {
    std::string command; // shell text; empty: `after` alone
    std::string after;   // shell text, run when the command has succeeded; may set rc
};

struct JobResult {
    Ending ending;
    std::optional<int> exit_code; // of the command; absent: it was not heard to its end
    std::string complaint;        // of ssh itself
};

// What is sent to the guest's /bin/sh. `nonce` marks the line that tells the exit code.
std::string job_script(const sdk::StepRequest& request, const RemoteJob& job, const std::string& nonce);

// Returns when the session is over too (0.5 s later at most), so that the next one does not meet it. `on_line`: each
// line of stdout, unmasked.
JobResult run_job(const Session& session, const sdk::StepRequest& request, const RemoteJob& job, MaskedLog& log,
                  const std::function<void(std::string_view)>& on_line, const sdk::Call& call);

} // namespace castra::ssh
