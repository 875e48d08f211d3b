// SPDX-License-Identifier: Apache-2.0
// write_out: bytes to a descriptor, for reporters. Never raises SIGPIPE (a plugin shares its process), never waits
// longer than its Call allows, and never loses its place: what was written leaves `pending`, the rest stays there.
// Errors: Refusal broken_pipe, no_space or io; Cancelled with the rest in `pending`.
// Thread: any, one at a time per descriptor.
#pragma once
#include "castra/sdk/call.hpp"
#include "castra/sdk/refusal.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <ctime>
#include <pthread.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace castra::sdk {
namespace detail {

// Holds SIGPIPE back from this thread, and takes away the one that a write raised meanwhile.
class NoSigpipe {
public:
    NoSigpipe() {
        sigemptyset(&sigpipe_);
        sigaddset(&sigpipe_, SIGPIPE);
        sigset_t pending;
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
    }
    NoSigpipe(const NoSigpipe&) = delete;
    NoSigpipe& operator=(const NoSigpipe&) = delete;
    ~NoSigpipe() {
        const timespec at_once{0, 0};
        if (!was_pending_)
            while (sigtimedwait(&sigpipe_, nullptr, &at_once) == -1 && errno == EINTR) {
            }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    sigset_t sigpipe_{}, before_{};
    bool was_pending_ = false;
};

[[noreturn]] inline void refuse_write(const std::string& where, int error) {
    if (error == EPIPE) throw Refusal({.code = "broken_pipe", .title = "nobody reads " + where + " any more"});
    if (error == ENOSPC || error == EDQUOT)
        throw Refusal({.code = "no_space",
                       .title = "no space left for " + where,
                       .detail = std::strerror(error),
                       .hint = "free space on that file system"});
    throw Refusal({.code = "io", .title = "write " + where, .detail = std::strerror(error)});
}

// Until `fd` takes bytes. Errors: Cancelled.
inline void wait_writable(int fd, const Call& call) {
    pollfd fds[2] = {{fd, POLLOUT, 0}, {call.cancel_fd(), POLLIN, 0}};
    while (true) {
        const auto wait_ms = std::min<std::int64_t>(call.remaining().count(), INT_MAX);
        const auto ready = ::poll(fds, 2, static_cast<int>(wait_ms));
        if (ready > 0 && fds[0].revents != 0) return;
        if (ready > 0 || (ready == 0 && call.cancelled())) throw Cancelled();
    }
}

} // namespace detail

// `where` is for messages: "stdout", a path.
inline void write_out(int fd, std::string& pending, const Call& call, const std::string& where) {
    struct stat status {};
    const auto is_regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    // A pipe that poll() calls writable takes PIPE_BUF bytes without blocking, whatever its mode.
    const std::size_t chunk_max = is_regular ? std::size_t{1} << 20 : PIPE_BUF;
    const detail::NoSigpipe guard;
    std::size_t written = 0;
    const auto forget_written = [&] { pending.erase(0, written); };
    try {
        while (written < pending.size()) {
            if (!is_regular) detail::wait_writable(fd, call);
            const auto count = ::write(fd, pending.data() + written, std::min(chunk_max, pending.size() - written));
            if (count >= 0)
                written += static_cast<std::size_t>(count);
            else if (errno != EINTR && errno != EAGAIN)
                detail::refuse_write(where, errno);
        }
    } catch (...) {
        forget_written();
        throw;
    }
    forget_written();
}

} // namespace castra::sdk
