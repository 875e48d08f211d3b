// SPDX-License-Identifier: Apache-2.0
// One HTML file a run, written while it happens beside its place and renamed at the summary, so that nobody reads half
// of it and nothing is kept in memory. A run that never came to a summary leaves a page that says so.
#include "castra/sdk/plugin.hpp"
#include "castra/sdk/write_out.hpp"
#include "page.hpp"

#include <cstdlib>
#include <fcntl.h>

namespace {

using namespace castra::sdk;
using castra::html::Page;

void fill_in(std::string& text, const std::string& name, const std::string& value) {
    for (auto at = text.find(name); at != text.npos; at = text.find(name, at + value.size()))
        text.replace(at, name.size(), value);
}

// Ids and operations are plain words; whoever calls us with something else does not choose our directory.
bool is_word(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

class HtmlReporter : public Reporter {
public:
    explicit HtmlReporter(const Json& config) {
        read_field(config, "path", path_);
        read_field(config, "bytes_max", bytes_max_);
        if (!path_.starts_with('/') || path_.ends_with('/'))
            throw Refusal({.code = "relative_path",
                           .title = "\"" + path_.substr(0, 200) + "\" is no absolute path of a file",
                           .field_path = "/path",
                           .hint = "such as /srv/reports/castra-{run_id}.html"});
        if (path_.find('\0') != path_.npos)
            throw Refusal({.code = "nul", .title = "a NUL character is in the path", .field_path = "/path"});
    }
    ~HtmlReporter() override { give_up(); }

    void open(const OpenRequest& request, const Call& call) override {
        give_up();
        file_ = path_;
        fill_in(file_, "{run_id}", is_word(request.run_id) ? request.run_id : "run");
        fill_in(file_, "{operation}", is_word(request.operation) ? request.operation : "run");
        part_ = file_ + "-XXXXXX.part"; // one of our own: a replay may write the same file meanwhile
        fd_ = ::mkostemps(part_.data(), 5, O_CLOEXEC);
        if (fd_ < 0) throw Refusal({.code = "open", .title = "open " + part_, .detail = std::strerror(errno)});
        page_ = castra::html::new_page();
        pending_ = page_.head;
        bytes_ = 0;
        write(call);
    }

    void events(const EventBatch& batch, const Call& call) override {
        if (fd_ < 0) throw Refusal({.code = "not_open", .title = "reporter-html has no run"});
        bool is_over = false;
        for (const auto& event : batch.events) { // the page shows a hole in seq as a gap
            is_over = is_over || event.type == "summary";
            auto line = castra::html::embedded(event.line);
            bytes_ += static_cast<std::int64_t>(line.size());
            if (bytes_ <= bytes_max_ || event.type == "summary") pending_ += line;
        }
        write(call);
        if (is_over) finish(call);
    }

    void flush(const Call& call) override {
        if (fd_ >= 0) write(call);
    }

    void close(const Call& call) override {
        if (fd_ >= 0) finish(call);
    }

private:
    void write(const Call& call) { write_out(fd_, pending_, call, part_); }

    void finish(const Call& call) {
        pending_ += page_.tail;
        write(call);
        ::close(std::exchange(fd_, -1));
        if (::rename(part_.c_str(), file_.c_str()) == 0) return;
        const int error = errno;
        ::unlink(part_.c_str());
        throw Refusal({.code = "rename", .title = "rename " + part_ + " to " + file_, .detail = std::strerror(error)});
    }

    void give_up() {
        if (fd_ < 0) return;
        ::close(std::exchange(fd_, -1));
        ::unlink(part_.c_str());
    }

    std::string path_, file_, part_;
    std::int64_t bytes_max_ = 134217728, bytes_ = 0;
    int fd_ = -1;
    Page page_;
    std::string pending_; // not yet written
};

} // namespace

CASTRA_PLUGIN(HtmlReporter);
