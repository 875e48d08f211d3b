// SPDX-License-Identifier: Apache-2.0
// Call: the context of one call of the kernel: until when it waits, and how it says that it gave up.
// A method that may block looks at it, or hands cancel_fd() and remaining() to its poll().
// Thread: belongs to the thread of the call. Owner: the kernel; nothing here outlives the call.
#pragma once
#include "castra/abi/entry.h"

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <poll.h>

namespace castra::sdk {

// Thrown by Call::throw_if_cancelled(); becomes the answer CASTRA_CANCELLED.
class Cancelled : public std::exception {
public:
    const char* what() const noexcept override { return "the call was cancelled"; }
};

class Call {
public:
    using Clock = std::chrono::steady_clock; // CLOCK_MONOTONIC, as castra_call::deadline_ns

    Call() = default;
    explicit Call(const castra_call* call) {
        if (call != nullptr && call->size >= sizeof(castra_call)) call_ = *call;
    }

    std::uint64_t id() const { return call_.call_id; }
    int cancel_fd() const { return call_.cancel_fd; } // readable when the caller gave up; -1: none

    std::optional<Clock::time_point> deadline() const {
        if (call_.deadline_ns == 0) return std::nullopt;
        return Clock::time_point(std::chrono::nanoseconds(call_.deadline_ns));
    }
    // Never negative; a year when there is no deadline.
    std::chrono::milliseconds remaining() const {
        const auto until = deadline();
        if (!until) return std::chrono::hours(24 * 365);
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*until - Clock::now());
        return left.count() > 0 ? left : std::chrono::milliseconds(0);
    }
    bool cancelled() const {
        if (const auto until = deadline(); until && Clock::now() >= *until) return true;
        if (call_.cancel_fd < 0) return false;
        pollfd poll_fd{call_.cancel_fd, POLLIN, 0};
        return ::poll(&poll_fd, 1, 0) > 0;
    }
    void throw_if_cancelled() const {
        if (cancelled()) throw Cancelled();
    }

private:
    castra_call call_{sizeof(castra_call), 0, 0, 0, -1, 0};
};

} // namespace castra::sdk
