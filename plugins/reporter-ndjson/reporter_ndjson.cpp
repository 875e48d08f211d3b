// SPDX-License-Identifier: Apache-2.0
// Every event as the exact line of the journal, and a line feed; nothing else ever goes to that descriptor. It never
// parses an event. A batch is one write where the system allows it; a line that was cut by a deadline is finished first
// thing in the next call. Events that the kernel could not deliver leave a hole in `seq` and a line in the diagnostic
// log.
#include "castra/sdk/plugin.hpp"
#include "castra/sdk/write_out.hpp"
#include "output.hpp"
#include "rotation.hpp"

namespace {

using namespace castra::sdk;
using namespace castra::ndjson;

class NdjsonReporter : public Reporter {
public:
    explicit NdjsonReporter(const Json& config) {
        if (config.contains("fd") + config.contains("path") + config.contains("socket") != 1)
            throw Refusal({.code = "fd_or_path",
                           .title = "reporter-ndjson needs exactly one of fd, path and socket",
                           .hint = "fd = 1 for stdout, or path = \"/absolute/file.ndjson\""});
        read_field(config, "fd", fd_number_);
        read_field(config, "path", path_);
        read_field(config, "socket", socket_);
        read_field(config, "rotate_bytes", limits_.bytes_max);
        read_field(config, "keep", limits_.keep);
        if (limits_.bytes_max != 0 && path_.empty())
            throw Refusal({.code = "no_file", .title = "only a path is rotated", .field_path = "/rotate_bytes"});
    }

    void open(const OpenRequest&, const Call&) override {
        pending_.clear();
        if (!socket_.empty())
            output_ = open_socket(socket_);
        else if (path_.empty())
            output_ = open_fd(fd_number_);
        else
            reopen();
    }

    void events(const EventBatch& batch, const Call& call) override {
        if (batch.gap)
            host().warn("reporter-ndjson: " + std::to_string(batch.gap->count) + " events not delivered, seq " +
                        std::to_string(batch.gap->first_seq) + ".." + std::to_string(batch.gap->last_seq) + ": " +
                        batch.gap->reason);
        if (!path_.empty() && pending_.empty() && is_moved(output_.fd(), path_)) reopen();
        for (const auto& event : batch.events) {
            if (is_due(output_.fd(), pending_.size(), event.line.size() + 1, limits_)) begin_a_new_file(call);
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
    void reopen() {
        output_ = open_path(path_);
        if (ends_torn(path_)) pending_ = "\n";
    }

    void begin_a_new_file(const Call& call) {
        flush(call);
        rotate(output_.fd(), path_, limits_);
        if (is_moved(output_.fd(), path_)) reopen();
    }

    int fd_number_ = -1;
    std::string path_, socket_;
    RotationLimits limits_;
    Output output_;
    std::string pending_; // not yet written
};

} // namespace

CASTRA_PLUGIN(NdjsonReporter);
