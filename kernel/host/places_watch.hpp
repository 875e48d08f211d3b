// SPDX-License-Identifier: Apache-2.0
// Wakes whoever waits for something to change in any of many directories: one inotify instance for all of them. A
// wake-up is a hint: look again at everything, then tell the watch which places there are now. A place that does not
// exist is waited for through its nearest ancestor. Errors: io (the system's limit of inotify instances or watches).
// Thread: that of the executor. Owner: closes when dropped.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "host/async.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <filesystem>
#include <map>
#include <set>

namespace castra {

class PlacesWatch {
public:
    static Result<PlacesWatch> open(const Executor& executor);

    // From now on these and no others. What happens in them after this has returned wakes changed(). True: one of them
    // was not watched before, so what happened there until now went unseen.
    Result<bool> watch(const std::set<std::filesystem::path>& places);
    // Returns when something has changed since it last returned; early when the awaiting coroutine is cancelled.
    Task<Result<>> changed();

private:
    explicit PlacesWatch(asio::posix::stream_descriptor queue) : queue_(std::move(queue)) {}

    asio::posix::stream_descriptor queue_;
    std::map<std::filesystem::path, int> watches_; // of directories that exist
};

} // namespace castra
