// SPDX-License-Identifier: Apache-2.0
#include "host/lock_watch.hpp"

#include "host/file_lock.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/inotify.h>

namespace castra {
namespace {

// The system tells of the close a moment before the lock goes with it: one more look, so long after each close.
constexpr std::chrono::milliseconds after_close{20};

void empty(int queue) {
    alignas(inotify_event) char events[4096];
    while (::read(queue, events, sizeof events) > 0) {
    }
}

} // namespace

Task<Result<>> lock_released(Host& host, std::filesystem::path lock) {
    const auto doing = "wait for lock " + lock.string();
    UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!fd) co_return fail_errno(doing);
    // A probe closes a descriptor too, but one that could only read.
    if (::inotify_add_watch(fd.get(), lock.c_str(), IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB) < 0) {
        if (errno == ENOENT) co_return Result<>();
        co_return fail_errno(doing);
    }
    asio::posix::stream_descriptor queue(host.executor(), fd.release());
    while (!FileLock::probe(lock)) { // only now: what happened before the watch was set is seen here
        boost::system::error_code error;
        co_await queue.async_wait(asio::posix::stream_descriptor::wait_read,
                                  asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return fail(ErrorCode::cancelled, doing + ": " + error.message());
        empty(queue.native_handle());
        if (FileLock::probe(lock)) co_return Result<>();
        co_await host.sleep_for(after_close);
    }
    co_return Result<>();
}

} // namespace castra
