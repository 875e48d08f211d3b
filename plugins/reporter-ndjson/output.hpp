// SPDX-License-Identifier: Apache-2.0
// Output: where the lines go: a descriptor of castra's, a file or FIFO, a unix socket. Owner: of its descriptor, which
// children do not inherit. Errors of the makers: Refusal with the option at fault.
#pragma once
#include <string>
#include <utility>

namespace castra::ndjson {

class Output {
public:
    Output() = default;
    Output(int fd, std::string where, bool is_file) : fd_(fd), is_file_(is_file), where_(std::move(where)) {}
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    Output(Output&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), is_file_(other.is_file_), where_(std::move(other.where_)) {}
    Output& operator=(Output&& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(is_file_, other.is_file_);
        std::swap(where_, other.where_);
        return *this;
    }
    ~Output();
    int fd() const { return fd_; }
    bool is_file() const { return is_file_; }
    const std::string& where() const { return where_; }

private:
    int fd_ = -1;
    bool is_file_ = false;
    std::string where_;
};

Output open_fd(int number); // our own copy: the kernel may close its one
Output open_path(const std::string& path);
Output open_socket(const std::string& path);

// Whether the file ends in the middle of a line, as after a crash.
bool ends_torn(const std::string& path);

} // namespace castra::ndjson
