// SPDX-License-Identifier: Apache-2.0
// The reporter for people. On a terminal work in flight stands at the bottom and what is finished scrolls away above
// it; elsewhere each event is a line. It never shows a byte of a guest unescaped, and it shows events of types it has
// never heard of by their message and severity.
// Thread: on a terminal one of its own, from open to close, redraws once a second: time passes between events, too.
#include "castra/sdk/plugin.hpp"
#include "castra/sdk/write_out.hpp"
#include "live_view.hpp"
#include "screen.hpp"

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <sys/ioctl.h>
#include <thread>

namespace {

using namespace castra::sdk;
using namespace std::chrono_literals;

double monotonic_seconds() {
    return std::chrono::duration<double>(Call::Clock::now().time_since_epoch()).count();
}

class ConsoleReporter : public Reporter {
public:
    explicit ConsoleReporter(const Json& config) {
        std::string stream = "stderr";
        read_field(config, "stream", stream);
        read_field(config, "color", color_);
        read_field(config, "verbose", is_verbose_);
        read_field(config, "quiet", is_quiet_);
        fd_ = stream == "stdout" ? STDOUT_FILENO : STDERR_FILENO;
        where_ = stream;
    }
    ~ConsoleReporter() override { stop_ticking(); }

    void open(const OpenRequest& request, const Call&) override {
        stop_ticking();
        // The kernel describes its stderr; stdout we ask ourselves.
        const bool is_terminal = fd_ == STDERR_FILENO ? request.terminal.is_tty : ::isatty(fd_) == 1;
        is_tty_ = is_terminal && !is_quiet_; // whoever wants quiet wants no view that moves
        columns_ = static_cast<std::size_t>(std::clamp<std::int64_t>(request.terminal.width, 20, 500));
        const auto use_color = color_ == "always" || (color_ == "auto" && is_terminal && request.terminal.color);
        text_ = castra::console::EventText({.color = use_color, .verbose = is_verbose_, .quiet = is_quiet_});
        view_ = castra::console::LiveView(text_);
        screen_ = castra::console::Screen();
        pending_.clear();
        if (is_tty_) start_ticking();
    }

    void events(const EventBatch& batch, const Call& call) override {
        const std::scoped_lock lock(mutex_);
        std::string log;
        if (batch.gap) {
            const auto text =
                "(" + std::to_string(batch.gap->count) + " events are not shown: this terminal was too slow)";
            log += is_tty_ ? view_.note(text) : text + "\n";
        }
        for (const auto& event : batch.events)
            log += taken(event);
        draw(log);
        write_out(fd_, pending_, call, where_);
    }

    void flush(const Call& call) override {
        const std::scoped_lock lock(mutex_);
        write_out(fd_, pending_, call, where_);
    }

    void close(const Call& call) override {
        stop_ticking();
        pending_ += screen_.update("", {}, columns_, rows_);
        write_out(fd_, pending_, call, where_);
    }

private:
    std::string taken(const Event& event) {
        const auto json = Json::parse(event.line, nullptr, false);
        if (!json.is_object()) {
            host().warn("reporter-console: event " + std::to_string(event.seq) + " is no JSON object");
            return {};
        }
        if (const auto contract = json.find("contract"); contract != json.end() && contract->is_string() &&
                                                         !contract->get_ref<const std::string&>().starts_with("1."))
            throw Refusal({.code = "contract",
                           .title = "reporter-console knows event contract 1, not " + contract->get<std::string>(),
                           .hint = "install the reporter-console of this castra"});
        return is_tty_ ? view_.take(json, monotonic_seconds()) : text_.lines(json);
    }

    void draw(const std::string& log) {
        if (!is_tty_) {
            pending_ += log;
            return;
        }
        winsize size{}; // at each time: the person may have changed it
        if (::ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
            columns_ = std::clamp<std::size_t>(size.ws_col, 20, 500);
            rows_ = size.ws_row;
        }
        const std::size_t frame_rows = rows_ > 3 ? rows_ - 2 : 1;
        pending_ += screen_.update(log, view_.frame(monotonic_seconds(), columns_ - 1, frame_rows), columns_, rows_);
    }

    void start_ticking() {
        is_ticking_ = true;
        sigset_t all, before; // signals belong to the kernel's thread
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        ticker_ = std::thread([this] { tick(); });
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    void tick() {
        std::unique_lock lock(mutex_);
        while (!ticked_.wait_for(lock, 1s, [this] { return !is_ticking_; })) {
            if (!pending_.empty()) continue; // the terminal does not keep up as it is
            draw("");
            castra_call at_most_200_ms{sizeof(castra_call), 0, 0, 0, -1, 0};
            at_most_200_ms.deadline_ns =
                std::chrono::nanoseconds((Call::Clock::now() + 200ms).time_since_epoch()).count();
            try {
                write_out(fd_, pending_, Call(&at_most_200_ms), where_);
            } catch (const std::exception&) { // the next call will say so
            }
        }
    }

    void stop_ticking() {
        {
            const std::scoped_lock lock(mutex_);
            is_ticking_ = false;
        }
        ticked_.notify_all();
        if (ticker_.joinable()) ticker_.join();
    }

    int fd_ = STDERR_FILENO;
    std::string where_, color_ = "auto";
    bool is_verbose_ = false, is_quiet_ = false, is_tty_ = false, is_ticking_ = false;
    std::size_t columns_ = 80, rows_ = 24;
    std::mutex mutex_; // over all of this, while the ticker lives
    std::condition_variable ticked_;
    std::thread ticker_;
    castra::console::EventText text_;
    castra::console::LiveView view_;
    castra::console::Screen screen_;
    std::string pending_; // not yet written
};

} // namespace

CASTRA_PLUGIN(ConsoleReporter);
