// SPDX-License-Identifier: Apache-2.0
// BlockingChild: a child process for threads that have no loop: a plugin's host, a check of the validator. In a session
// of its own, so that Ctrl-C of a terminal is not its business; held by pidfd; never left behind.
// Not PR_SET_PDEATHSIG: that follows the thread which spawned, and reporters' threads come and go. A child that must
// not outlive castra watches for its end itself.
// Thread: any; end() and wait() from several at once are fine. Owner: dropping it kills and reaps.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace castra {

struct ChildRequest {
    std::filesystem::path program; // absolute
    std::vector<std::string> argv; // argv[0] included
    int fd = -1;                   // becomes descriptor 3; nothing else above 2 is inherited; -1: none
    int output_fd = -1;            // becomes 1 and 2; -1: both are our stderr
    std::vector<std::string> env;  // added to ours: NAME=value
};

class BlockingChild {
public:
    using Time = std::chrono::steady_clock::time_point;

    static Result<std::unique_ptr<BlockingChild>> spawn(const ChildRequest& request);
    BlockingChild(const BlockingChild&) = delete;
    BlockingChild& operator=(const BlockingChild&) = delete;
    ~BlockingChild();

    int pid() const { return pid_; }
    int pidfd() const { return pidfd_.get(); } // readable when it has ended
    // How it ended, once it has: "exit code 3", "SIGSEGV". What is left of its session is killed and it is reaped.
    std::optional<std::string> wait(Time deadline);
    // SIGTERM, SIGKILL after `grace`, reaped. How it ended, also when it had ended by itself.
    std::string end(std::chrono::milliseconds grace);

private:
    BlockingChild(int pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
    void signal(int number);

    const int pid_;
    UniqueFd pidfd_;
    std::mutex mutex_;
    std::optional<std::string> ended_;
};

} // namespace castra
