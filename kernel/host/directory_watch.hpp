// SPDX-License-Identifier: Apache-2.0
// Wakes whoever waits for something to change in one directory (inotify; nothing is polled, nothing is written). A
// wake-up is a hint: look again at everything. A directory that does not exist yet, or goes and comes back, is waited
// for through its nearest ancestor. Subdirectories are not watched. Errors: io (the system's limit of inotify instances
// or watches). Thread: that of the executor. Owner: closes when dropped.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "host/async.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <filesystem>

namespace castra {

// The directory at `path`, or the nearest above it that there is.
std::filesystem::path nearest_existing(std::filesystem::path path);

class DirectoryWatch {
public:
    // Everything that happens after this has returned wakes changed().
    static Result<DirectoryWatch> open(const Executor& executor, std::filesystem::path directory);

    // Returns when something has changed since it last returned; early when the awaiting coroutine is cancelled.
    Task<Result<>> changed();

private:
    DirectoryWatch(asio::posix::stream_descriptor queue, std::filesystem::path directory)
        : queue_(std::move(queue)), directory_(std::move(directory)) {}
    Result<> arm();
    void empty_queue();

    asio::posix::stream_descriptor queue_;
    std::filesystem::path directory_, armed_; // armed_: what is watched now, the directory or an ancestor
    int watch_ = -1;
};

} // namespace castra
