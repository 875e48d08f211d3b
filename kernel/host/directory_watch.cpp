// SPDX-License-Identifier: Apache-2.0
#include "host/directory_watch.hpp"

#include <sys/inotify.h>

namespace castra {
namespace {

constexpr std::uint32_t watched = IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE_SELF |
                                  IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR;

} // namespace

std::filesystem::path nearest_existing(std::filesystem::path path) {
    std::error_code error;
    while (!std::filesystem::is_directory(path, error) && path.has_relative_path())
        path = path.parent_path();
    return path;
}

Result<DirectoryWatch> DirectoryWatch::open(const Executor& executor, std::filesystem::path directory) {
    UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!fd) return fail_errno("watch " + directory.string());
    DirectoryWatch watch(asio::posix::stream_descriptor(executor, fd.release()), std::move(directory));
    CASTRA_CHECK(watch.arm());
    return watch;
}

Result<> DirectoryWatch::arm() {
    while (true) {
        const auto wanted = nearest_existing(directory_);
        const int added = ::inotify_add_watch(queue_.native_handle(), wanted.c_str(), watched);
        if (added < 0 && (errno == ENOENT || errno == ENOTDIR)) continue; // it went while we looked
        if (added < 0) return fail_errno("watch " + wanted.string());
        if (watch_ >= 0 && watch_ != added) ::inotify_rm_watch(queue_.native_handle(), watch_);
        watch_ = added;
        armed_ = wanted;
        if (nearest_existing(directory_) == wanted) return {}; // otherwise more of the path was made meanwhile
    }
}

void DirectoryWatch::empty_queue() {
    alignas(inotify_event) char events[8192];
    while (true) {
        const auto size = ::read(queue_.native_handle(), events, sizeof events);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return;
    }
}

Task<Result<>> DirectoryWatch::changed() {
    boost::system::error_code error;
    co_await queue_.async_wait(asio::posix::stream_descriptor::wait_read,
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return fail(ErrorCode::cancelled, "watch " + directory_.string() + ": " + error.message());
    empty_queue();
    co_return arm(); // the same watch again, unless a directory came or went
}

} // namespace castra
