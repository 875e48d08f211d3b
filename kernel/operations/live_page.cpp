// SPDX-License-Identifier: Apache-2.0
#include "operations/live_page.hpp"

#include "host/files.hpp"

#include <sys/random.h>

namespace castra {
namespace {

std::string random_word() {
    std::array<unsigned char, 16> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
    std::string out;
    for (const auto byte : bytes) {
        out += "0123456789abcdef"[byte >> 4U];
        out += "0123456789abcdef"[byte & 15U];
    }
    return out;
}

// Takes as long whatever they have in common.
bool is_same_secret(const std::string& ours, const std::string& theirs) {
    if (ours.size() != theirs.size()) return false;
    unsigned char difference = 0;
    for (std::size_t i = 0; i < ours.size(); ++i)
        difference = static_cast<unsigned char>(difference | (ours[i] ^ theirs[i]));
    return difference == 0;
}

void fill_in(std::string& text, std::string_view name, const std::string& value) {
    for (auto at = text.find(name); at != text.npos; at = text.find(name, at + value.size()))
        text.replace(at, name.size(), value);
}

// Events as they go over the wire; written by ready(), which the feed awaits before it reads on.
class SseReader final : public FeedReader {
public:
    explicit SseReader(WebExchange& exchange) : exchange_(exchange) {}

    Result<> take(const std::string& run_id, const std::vector<FeedEvent>& events) override {
        for (const auto& event : events) {
            const auto seq = event.event.value("seq", std::int64_t{0});
            pending_ += "id: " + to_string(EventCursor{run_id, seq}) + "\ndata: " + event.line;
            pending_ += event.line.ends_with('\n') ? "\n" : "\n\n";
        }
        return {};
    }
    void gap(const FeedGap& gap) override { tell("gap", to_json(gap)); }
    // The page shows it and asks again later.
    void trouble(const Error& error) { tell("trouble", {{"detail", error.text}, {"hint", error.hint}}); }
    Task<Result<>> ready() override {
        if (pending_.empty()) co_return Result<>();
        auto written = co_await exchange_.write(std::exchange(pending_, {}));
        co_return written;
    }

private:
    void tell(const std::string& event, const contract::Json& data) {
        pending_ += "event: " + event +
                    "\ndata: " + data.dump(-1, ' ', false, contract::Json::error_handler_t::replace) + "\n\n";
    }

    WebExchange& exchange_;
    std::string pending_;
};

} // namespace

Result<LivePage> LivePage::open(Executor executor, const std::filesystem::path& page_file,
                                std::filesystem::path journal_dir) {
    auto text = files::read(page_file, std::size_t{4} << 20U);
    if (!text) {
        auto error = text.error().within("the page of castra watch");
        error.hint = "castra's share directory is not whole: install it again";
        return Failure(error);
    }
    LivePage page;
    page.executor_ = std::move(executor);
    page.template_ = std::move(*text);
    page.journal_dir_ = std::move(journal_dir);
    page.token_ = random_word();
    if (page.token_.empty()) return fail_errno("ask the system for random numbers");
    return page;
}

std::string LivePage::page() const {
    auto text = template_;
    fill_in(text, "@NONCE@", random_word());
    fill_in(text, "@LIVE@", " data-live");
    fill_in(text, "@DATA@", "");
    return text;
}

Task<> LivePage::handle(WebExchange& exchange) {
    if (exchange.path() != "/" && exchange.path() != "/events") {
        co_await exchange.answer(404, "text/plain; charset=utf-8", "there is / and /events\n");
    } else if (!is_same_secret(token_, exchange.query("token"))) {
        co_await exchange.answer(403, "text/plain; charset=utf-8", "open the address that castra watch printed\n");
    } else if (exchange.path() == "/") {
        co_await exchange.answer(200, "text/html; charset=utf-8", page());
    } else {
        co_await stream(exchange);
    }
}

Task<> LivePage::stream(WebExchange& exchange) {
    FeedRequest request;
    request.follow = true;
    auto cursor_text = exchange.last_event_id();
    if (cursor_text.empty()) cursor_text = exchange.query("after");
    if (!cursor_text.empty()) {
        const auto cursor = parse_cursor(cursor_text);
        if (!cursor) {
            co_await exchange.answer(400, "text/plain; charset=utf-8", cursor.error().text + "\n");
            co_return;
        }
        request.since = *cursor;
    }
    const auto begun = co_await exchange.begin_stream("text/event-stream; charset=utf-8");
    if (!begun) co_return;
    co_await (feed(exchange, std::move(request)) || exchange.until_gone());
}

// Until the client takes no more, or the journals cannot be read.
Task<> LivePage::feed(WebExchange& exchange, FeedRequest request) {
    Gate never(executor_);
    SseReader reader(exchange);
    EventFeed since_cursor(executor_, journal_dir_, reader);
    auto told = co_await since_cursor.run(request, never);
    if (!told && told.error().code == ErrorCode::not_found && request.since) {
        const auto& since = *request.since;
        reader.gap({"missing", since.run_id, since.seq + 1, 0, 0, told.error().text});
        request.since.reset(); // from the latest run on
        EventFeed since_latest(executor_, journal_dir_, reader);
        told = co_await since_latest.run(request, never);
    }
    if (told || told.error().code == ErrorCode::timeout) co_return;
    reader.trouble(told.error());
    co_await reader.ready();
}

} // namespace castra
