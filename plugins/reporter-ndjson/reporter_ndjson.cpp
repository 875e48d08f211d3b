// SPDX-License-Identifier: Apache-2.0
// Every event as the exact line of the journal, and a line feed; nothing else ever goes to that descriptor. It never
// parses an event. A batch is one write where the system allows it; a line that was cut by a deadline is finished first
// thing in the next call. Events that the kernel could not deliver leave a hole in `seq` and a line in the diagnostic
// log.
#include "castra/sdk/plugin.hpp"
#include "castra/sdk/write_out.hpp"

#include <fcntl.h>

namespace {

using namespace castra::sdk;

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
    ~Output() {
        if (fd_ >= 0) ::close(fd_);
    }
    int fd() const { return fd_; }
    bool is_file() const { return is_file_; }
    const std::string& where() const { return where_; }

private:
    int fd_ = -1;
    bool is_file_ = false;
    std::string where_;
};

// Our own copy: the kernel may close its one.
Output open_fd(int number) {
    const auto where = number == 1 ? std::string("stdout") : "descriptor " + std::to_string(number);
    const auto copy = ::fcntl(number, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        throw Refusal({.code = "bad_fd",
                       .title = where + " is not open",
                       .field_path = "/fd",
                       .hint = "open it for castra: castra ... 3>events.ndjson"});
    if ((::fcntl(copy, F_GETFL) & O_ACCMODE) == O_RDONLY) {
        ::close(copy);
        throw Refusal({.code = "bad_fd", .title = where + " is not open for writing", .field_path = "/fd"});
    }
    return {copy, where, false};
}

Output open_path(const std::string& path) {
    if (!path.starts_with('/'))
        throw Refusal({.code = "relative_path", .title = "\"" + path + "\" is not absolute", .field_path = "/path"});
    // O_NONBLOCK: a FIFO without a reader is an error and not a wait.
    const auto fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0)
        throw Refusal({.code = "open", .title = "open " + path, .detail = std::strerror(errno), .field_path = "/path"});
    return {fd, path, true};
}

// Whether the file ends in the middle of a line, as after a crash.
bool ends_torn(const std::string& path) {
    const Output file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), path, true);
    struct stat status {};
    if (file.fd() < 0 || ::fstat(file.fd(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return false;
    char last = '\n';
    return ::pread(file.fd(), &last, 1, status.st_size - 1) == 1 && last != '\n';
}

class NdjsonReporter : public Reporter {
public:
    explicit NdjsonReporter(const Json& config) {
        if (config.contains("fd") == config.contains("path"))
            throw Refusal({.code = "fd_or_path",
                           .title = "reporter-ndjson needs either fd or path",
                           .hint = "fd = 1 for stdout, or path = \"/absolute/file.ndjson\""});
        if (config.contains("fd")) {
            read_field(config, "fd", fd_number_);
        } else {
            read_field(config, "path", path_);
        }
    }

    void open(const OpenRequest&, const Call&) override {
        output_ = path_.empty() ? open_fd(fd_number_) : open_path(path_);
        if (!path_.empty() && ends_torn(path_)) pending_ = "\n";
    }

    void events(const EventBatch& batch, const Call& call) override {
        if (batch.gap)
            host().warn("reporter-ndjson: " + std::to_string(batch.gap->count) + " events not delivered, seq " +
                        std::to_string(batch.gap->first_seq) + ".." + std::to_string(batch.gap->last_seq) + ": " +
                        batch.gap->reason);
        for (const auto& event : batch.events) {
            pending_ += event.line;
            pending_ += '\n';
        }
        write_out(output_.fd(), pending_, call, output_.where());
    }

    void flush(const Call& call) override {
        write_out(output_.fd(), pending_, call, output_.where());
        if (output_.is_file() && ::fdatasync(output_.fd()) != 0 && errno != EINVAL && errno != EROFS)
            detail::refuse_write(output_.where(), errno);
    }

    void close(const Call& call) override {
        flush(call);
        output_ = Output();
    }

private:
    int fd_number_ = -1;
    std::string path_;
    Output output_;
    std::string pending_; // not yet written
};

} // namespace

CASTRA_PLUGIN(NdjsonReporter);
