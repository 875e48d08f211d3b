// SPDX-License-Identifier: Apache-2.0
// A local program that a step runs, in a session of its own, and the conversation with it: what goes in, what comes
// out, until it ends, the call is cancelled or its deadline passes. Nothing is left behind: who is dropped is killed
// and reaped. Never a shell in between. Thread: that of the call. Errors: sdk::Refusal when it cannot be started.
#pragma once
#include "castra/sdk/call.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace castra::ssh {

class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Fd& operator=(Fd&& other) noexcept;
    ~Fd() { close(); }
    int get() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    void close();

private:
    int fd_ = -1;
};

// How a child ended, or why it was ended.
struct Ending {
    enum class Why { exited, enough, cancelled, timed_out };
    Why why = Why::exited;
    int exit_code = -1; // -1: by a signal, or ended by us
    int signal = 0;
};

class Child {
public:
    // argv[0] is looked up in PATH.
    explicit Child(const std::vector<std::string>& argv);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child(); // ends it

    Fd in, out, err; // ours; not blocking
    // SIGTERM, SIGKILL after half a second; reaped.
    Ending end();
    // Until `deadline`; nothing while it lives.
    std::optional<Ending> wait(sdk::Call::Clock::time_point deadline);
    int pidfd() const { return pidfd_.get(); }

private:
    std::optional<Ending> reap(bool block);
    int pid_ = -1;
    Fd pidfd_;
    std::optional<Ending> ended_;
};

struct Conversation {
    std::string input;             // sent first
    Child* source = nullptr;       // then what this one puts out
    bool keeps_input_open = false; // its stdin ends with the conversation, not before
    std::function<void(std::string_view)> on_output, on_error, on_source_error;
    std::function<void(std::int64_t)> on_sent; // bytes of `source` so far
    std::function<bool()> is_enough;           // asked after each piece of output: it need not run any longer
};

// Ends the child unless it ends itself or has been heard enough.
Ending converse(Child& child, const Conversation& what, const sdk::Call& call);

} // namespace castra::ssh
