// SPDX-License-Identifier: Apache-2.0
#include "host/places_watch.hpp"

#include "host/directory_watch.hpp"

#include <algorithm>
#include <cstring>
#include <sys/inotify.h>
#include <unistd.h>

namespace castra {
namespace {

constexpr std::uint32_t mask =
    IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

// Reads all that is there. That a watch was removed, by us, is no news.
bool has_news(int queue) {
    alignas(inotify_event) char events[8192];
    bool found = false;
    while (true) {
        const auto size = ::read(queue, events, sizeof events);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return found;
        for (ssize_t at = 0; at < size;) {
            inotify_event event{};
            std::memcpy(&event, events + at, sizeof event);
            found = found || (event.mask & ~static_cast<std::uint32_t>(IN_IGNORED)) != 0;
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
    }
}

} // namespace

Result<PlacesWatch> PlacesWatch::open(const Executor& executor) {
    UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!fd) return fail_errno("watch directories");
    return PlacesWatch(asio::posix::stream_descriptor(executor, fd.release()));
}

Result<bool> PlacesWatch::watch(const std::set<std::filesystem::path>& places) {
    std::map<std::filesystem::path, int> now;
    for (const auto& place : places) {
        while (true) { // a place may appear while its ancestor is taken instead
            const auto there = nearest_existing(place);
            // Also for one that is watched: a directory that was removed and made again needs a new watch.
            const int added = ::inotify_add_watch(queue_.native_handle(), there.c_str(), mask);
            if (added < 0 && (errno == ENOENT || errno == ENOTDIR)) continue;
            if (added < 0)
                return fail(ErrorCode::io, "watch " + there.string() + ": the system said no",
                            "raise fs.inotify.max_user_watches, or watch one project instead of all");
            now[there] = added;
            if (nearest_existing(place) == there) break;
        }
    }
    std::set<int> kept;
    for (const auto& [path, number] : now)
        kept.insert(number);
    for (const auto& [path, number] : watches_)
        if (!kept.contains(number)) ::inotify_rm_watch(queue_.native_handle(), number);
    const bool is_new =
        std::ranges::any_of(now, [&](const auto& one) { return std::ranges::find(watches_, one) == watches_.end(); });
    watches_ = std::move(now);
    return is_new;
}

Task<Result<>> PlacesWatch::changed() {
    while (true) {
        boost::system::error_code error;
        co_await queue_.async_wait(asio::posix::stream_descriptor::wait_read,
                                   asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return fail(ErrorCode::cancelled, "watch directories: " + error.message());
        if (has_news(queue_.native_handle())) co_return Result<>();
    }
}

} // namespace castra
