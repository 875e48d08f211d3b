// SPDX-License-Identifier: Apache-2.0
#include "host/growing_file.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace castra {

bool GrowingFile::open() {
    fd_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    problem_.reset();
    if (!fd_ && errno != ENOENT) problem_ = fail_errno("read " + path_.string()).value();
    struct stat info {};
    if (!fd_ || fstat(fd_.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        if (fd_) problem_ = {ErrorCode::io, "read " + path_.string() + ": not a regular file", {}};
        fd_.reset();
        return false;
    }
    device_ = info.st_dev;
    inode_ = info.st_ino;
    at_ = 0;
    return true;
}

bool GrowingFile::was_replaced() const {
    struct stat info {};
    if (lstat(path_.c_str(), &info) != 0) return false; // whoever renamed it may still write to it
    return info.st_dev != device_ || info.st_ino != inode_;
}

std::string GrowingFile::read_on() {
    struct stat info {};
    if (fstat(fd_.get(), &info) == 0 && info.st_size < at_) at_ = 0; // truncated
    std::string out(bytes_max, '\0');
    std::size_t size = 0;
    while (size < out.size()) {
        const auto got = ::pread(fd_.get(), out.data() + size, out.size() - size, at_);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        size += static_cast<std::size_t>(got);
        at_ += got;
    }
    out.resize(size);
    return out;
}

std::string GrowingFile::read_new() {
    is_behind_ = false;
    if (!fd_ && !open()) return {};
    auto out = read_on();
    is_behind_ = out.size() == bytes_max;
    if (is_behind_ || !was_replaced()) return out;
    fd_.reset(); // all of the old one is read
    if (!open()) return out;
    out += read_on();
    is_behind_ = true; // the new one may go on, and may have been replaced, too
    return out;
}

void GrowingFile::start_at_last_lines(std::size_t count) {
    if (!open()) return;
    const auto end = ::lseek(fd_.get(), 0, SEEK_END);
    std::int64_t begin = end;
    std::size_t lines = 0;
    char chunk[4096];
    bool is_last_byte = true;
    while (begin > 0) {
        const auto size = std::min<std::int64_t>(begin, sizeof chunk);
        if (::pread(fd_.get(), chunk, static_cast<std::size_t>(size), begin - size) != size) break;
        for (auto i = size; i > 0; --i) {
            // The line feed that ends the last line begins no other.
            if (chunk[i - 1] == '\n' && !is_last_byte && ++lines == count) {
                at_ = begin - size + i;
                return;
            }
            is_last_byte = false;
        }
        begin -= size;
    }
    at_ = count == 0 ? end : 0;
}

} // namespace castra
