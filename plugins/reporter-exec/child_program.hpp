// SPDX-License-Identifier: Apache-2.0
// ChildProgram: a program of the user's with a pipe to its stdin. It leads a session of its own, so that Ctrl-C at
// castra's terminal does not end it before the summary; it has default signals, no descriptor but the three, and only
// the environment that it is given. It never outlives its owner: the destructor kills and reaps it.
// Order: start, write to fd(), end_of_input, wait. Thread: one at a time.
#pragma once
#include "castra/sdk/call.hpp"

#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace castra::exec {

struct ProgramSpec {
    std::vector<std::string> command; // [0] is an absolute path
    std::map<std::string, std::string> env;
    bool discards_output = false; // else its stdout and stderr are castra's stderr
};

class ChildProgram {
public:
    // Errors: Refusal (start).
    explicit ChildProgram(const ProgramSpec& spec);
    ChildProgram(const ChildProgram&) = delete;
    ChildProgram& operator=(const ChildProgram&) = delete;
    ~ChildProgram();

    int fd() const { return input_; } // non-blocking
    void end_of_input();
    // How it ended ("exit code 3"), once it has; waits until then, at most this long and as long as the call goes on.
    std::optional<std::string> wait(std::chrono::milliseconds at_most, const sdk::Call& call);
    void signal(int number); // to it and all that it started in its session
    bool succeeded() const { return status_ && *status_ == 0; }

private:
    pid_t pid_ = -1;
    int pidfd_ = -1, input_ = -1;
    std::optional<int> status_; // of waitpid
};

} // namespace castra::exec
