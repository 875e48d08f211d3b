// SPDX-License-Identifier: Apache-2.0
// The reporter for people. Progress overwrites one line of a terminal; everything else scrolls. It never shows a byte
// of a guest unescaped, and it shows events of types it has never heard of by their message and severity.
#include "castra/sdk/plugin.hpp"
#include "castra/sdk/write_out.hpp"
#include "event_text.hpp"

namespace {

using namespace castra::sdk;

class ConsoleReporter : public Reporter {
public:
    explicit ConsoleReporter(const Json& config) {
        std::string stream = "stderr";
        read_field(config, "stream", stream);
        read_field(config, "color", color_);
        read_field(config, "verbose", is_verbose_);
        fd_ = stream == "stdout" ? STDOUT_FILENO : STDERR_FILENO;
        where_ = stream;
    }

    void open(const OpenRequest& request, const Call&) override {
        // The kernel describes its stderr; stdout we ask ourselves.
        is_tty_ = fd_ == STDERR_FILENO ? request.terminal.is_tty : ::isatty(fd_) == 1;
        columns_ = static_cast<std::size_t>(std::clamp<std::int64_t>(request.terminal.width, 20, 500)) - 1;
        const auto use_color = color_ == "always" || (color_ == "auto" && is_tty_ && request.terminal.color);
        text_ = castra::console::EventText({.color = use_color, .verbose = is_verbose_});
    }

    void events(const EventBatch& batch, const Call& call) override {
        if (batch.gap)
            add("(" + std::to_string(batch.gap->count) + " events are not shown: this terminal was too slow)\n");
        for (const auto& event : batch.events)
            take(event);
        write_out(fd_, pending_, call, where_);
    }

    void flush(const Call& call) override { write_out(fd_, pending_, call, where_); }

    void close(const Call& call) override {
        clear_progress();
        write_out(fd_, pending_, call, where_);
    }

private:
    void take(const Event& event) {
        const auto json = Json::parse(event.line, nullptr, false);
        if (!json.is_object()) {
            host().warn("reporter-console: event " + std::to_string(event.seq) + " is no JSON object");
            return;
        }
        if (const auto contract = json.find("contract"); contract != json.end() && contract->is_string() &&
                                                         !contract->get_ref<const std::string&>().starts_with("1."))
            throw Refusal({.code = "contract",
                           .title = "reporter-console knows event contract 1, not " + contract->get<std::string>(),
                           .hint = "install the reporter-console of this castra"});
        if (event.severity == "progress" && is_tty_) {
            clear_progress();
            pending_ += text_.progress(json, columns_);
            has_progress_ = true;
        } else {
            add(text_.lines(json));
        }
    }

    void add(const std::string& lines) {
        if (lines.empty()) return;
        clear_progress();
        pending_ += lines;
    }

    void clear_progress() {
        if (has_progress_) pending_ += "\r\x1b[2K";
        has_progress_ = false;
    }

    int fd_ = STDERR_FILENO;
    std::string where_, color_ = "auto";
    bool is_verbose_ = false, is_tty_ = false, has_progress_ = false;
    std::size_t columns_ = 79;
    castra::console::EventText text_;
    std::string pending_; // not yet written
};

} // namespace

CASTRA_PLUGIN(ConsoleReporter);
