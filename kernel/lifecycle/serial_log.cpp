// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/serial_log.hpp"

#include "host/files.hpp"

#include <sys/stat.h>

namespace castra {

SerialLog::SerialLog(const Executor& executor, std::filesystem::path path, std::string marker)
    : path_(std::move(path)), marker_(std::move(marker)), marker_seen_(executor) {}

Task<> SerialLog::read(std::shared_ptr<SerialLog> log, Stream stream) {
    while (true) {
        const auto chunk = co_await stream.read_some();
        if (!chunk || chunk->empty()) co_return;
        log->take(*chunk);
    }
}

void SerialLog::take(std::string_view chunk) {
    write(chunk);
    scan(chunk);
    tail_.append(chunk);
    if (tail_.size() > 2 * tail_bytes_max) tail_.erase(0, tail_.size() - tail_bytes_max);
}

void SerialLog::write(std::string_view chunk) {
    if (!file_) {
        file_ = files::open_to_append(path_).value_or(UniqueFd());
        struct stat info {};
        if (file_ && fstat(file_.get(), &info) == 0) file_bytes_ = static_cast<std::size_t>(info.st_size);
    }
    if (file_ && file_bytes_ + chunk.size() > file_bytes_max) {
        auto older = path_;
        older += ".1";
        ::rename(path_.c_str(), older.c_str());
        file_ = files::open_to_append(path_).value_or(UniqueFd());
        file_bytes_ = 0;
    }
    // A full disk costs log lines, never the VM.
    if (file_ && ::write(file_.get(), chunk.data(), chunk.size()) > 0) file_bytes_ += chunk.size();
}

void SerialLog::scan(std::string_view chunk) {
    if (marker_.empty() || marker_seen_.is_open()) return;
    for (const char c : chunk) {
        if (c == '\n') {
            if (line_.starts_with(marker_)) return marker_seen_.open();
            line_.clear();
        } else if (c != '\r' && line_.size() < line_bytes_max) {
            line_ += c;
        }
    }
}

} // namespace castra
