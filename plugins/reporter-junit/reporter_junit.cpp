// SPDX-License-Identifier: Apache-2.0
// One JUnit file a run, written beside its place and renamed, so that nobody reads half of it. Written at the summary;
// a run that never came to one leaves a file that says so.
#include "castra/sdk/plugin.hpp"
#include "castra/sdk/write_out.hpp"
#include "run_cases.hpp"

#include <fcntl.h>
#include <optional>

namespace {

using namespace castra::sdk;
using castra::junit::RunCases;

void fill_in(std::string& text, const std::string& name, const std::string& value) {
    for (auto at = text.find(name); at != text.npos; at = text.find(name, at + value.size()))
        text.replace(at, name.size(), value);
}

// Ids and operations are plain words; whoever calls us with something else does not choose our directory.
bool is_word(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

void write_whole(const std::string& path, std::string text, const Call& call) {
    const auto part = path + ".part";
    const auto fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
    if (fd < 0) throw Refusal({.code = "open", .title = "open " + part, .detail = std::strerror(errno)});
    try {
        write_out(fd, text, call, part);
    } catch (...) {
        ::close(fd);
        ::unlink(part.c_str());
        throw;
    }
    ::close(fd);
    if (::rename(part.c_str(), path.c_str()) == 0) return;
    const int error = errno;
    ::unlink(part.c_str());
    throw Refusal({.code = "rename", .title = "rename " + part + " to " + path, .detail = std::strerror(error)});
}

class JunitReporter : public Reporter {
public:
    explicit JunitReporter(const Json& config) {
        read_field(config, "path", path_);
        if (!path_.starts_with('/') || path_.ends_with('/'))
            throw Refusal({.code = "relative_path",
                           .title = "\"" + path_.substr(0, 200) + "\" is no absolute path of a file",
                           .field_path = "/path",
                           .hint = "such as /builds/job/castra-{operation}.xml"});
        if (path_.find('\0') != path_.npos)
            throw Refusal({.code = "nul", .title = "a NUL character is in the path", .field_path = "/path"});
    }

    void open(const OpenRequest& request, const Call&) override {
        file_ = path_;
        fill_in(file_, "{run_id}", is_word(request.run_id) ? request.run_id : "run");
        fill_in(file_, "{operation}", is_word(request.operation) ? request.operation : "run");
        run_.emplace();
        is_written_ = false;
    }

    void events(const EventBatch& batch, const Call& call) override {
        if (!run_) throw Refusal({.code = "not_open", .title = "reporter-junit has no run"});
        for (const auto& event : batch.events) {
            const auto json = Json::parse(event.line, nullptr, false);
            if (json.is_object()) run_->take(json);
        }
        if (run_->has_ended() && !is_written_) write(call);
    }

    void close(const Call& call) override {
        if (run_ && !is_written_) write(call);
        run_.reset();
    }

private:
    void write(const Call& call) {
        is_written_ = true; // or could not be, and close has nothing to add
        write_whole(file_, run_->xml(), call);
    }

    std::string path_, file_;
    std::optional<RunCases> run_;
    bool is_written_ = false;
};

} // namespace

CASTRA_PLUGIN(JunitReporter);
