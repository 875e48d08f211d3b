// SPDX-License-Identifier: Apache-2.0
// A run as a trace and its events as logs, sent to a collector. It never fails while the run goes on: what cannot be
// sent waits in a bounded queue, the oldest is given up and counted, and after a failure it is tried again only after a
// while. What is still there at the end is tried once more; only that failure is an error of this reporter.
#include "castra/sdk/plugin.hpp"
#include "collector.hpp"
#include "run_spans.hpp"

#include <algorithm>
#include <deque>
#include <optional>

namespace {

using namespace castra::sdk;
using namespace std::chrono_literals;
using castra::otlp::Collector;
using castra::otlp::OrderedJson;
using castra::otlp::Sent;

constexpr std::size_t request_bytes_max = 1 << 20; // of logs in one request
constexpr auto pause_first = 250ms, pause_max = 8000ms;

using Headers = std::map<std::string, std::string>;

void check_headers(const Headers& headers, const char* field) {
    for (const auto& [name, value] : headers)
        if (name.empty() || (name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
            throw Refusal(
                {.code = "header", .title = "a header has no name or holds a line feed", .field_path = field});
}

class OtlpReporter : public Reporter {
public:
    explicit OtlpReporter(const Json& config) {
        std::vector<std::string> signals{"traces", "logs"};
        read_field(config, "endpoint", endpoint_);
        read_field(config, "headers", headers_);
        read_field(config, "header_secrets", header_secrets_);
        read_field(config, "signals", signals);
        read_field(config, "timeout_ms", timeout_ms_);
        read_field(config, "queue_bytes_max", queue_bytes_max_);
        sends_traces_ = std::ranges::find(signals, "traces") != signals.end();
        sends_logs_ = std::ranges::find(signals, "logs") != signals.end();
        if (!endpoint_.starts_with("http://") && !endpoint_.starts_with("https://"))
            throw Refusal({.code = "endpoint",
                           .title = "reporter-otlp needs an endpoint with http:// or https://",
                           .field_path = "/endpoint",
                           .hint = "such as http://127.0.0.1:4318"});
        check_headers(headers_, "/headers");
        check_headers(header_secrets_, "/header_secrets");
    }

    void open(const OpenRequest&, const Call&) override {
        auto headers = headers_;
        for (const auto& [name, secret] : header_secrets_)
            headers[name] = host().secret(secret);
        check_headers(headers, "/header_secrets"); // a secret's file may hold anything
        collector_ = std::make_unique<Collector>(endpoint_, headers);
        spans_ = {};
        queue_.clear();
        queue_bytes_ = given_up_ = 0;
        pause_ = pause_first;
        next_try_ = {};
    }

    void events(const EventBatch& batch, const Call& call) override {
        if (!collector_) throw Refusal({.code = "not_open", .title = "reporter-otlp has no run"});
        for (const auto& event : batch.events)
            take(event.line);
        if (queue_bytes_ > 0 && Call::Clock::now() >= next_try_) send_logs(call);
    }

    void flush(const Call& call) override {
        if (collector_) send_logs(call);
    }

    void close(const Call& call) override {
        if (!collector_) return;
        const bool sent_logs = send_logs(call);
        auto problem = collector_->problem();
        bool sent_traces = true;
        if (sends_traces_ && !spans_.is_empty()) {
            const auto json = spans_.traces().dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
            sent_traces =
                collector_->post("/v1/traces", json, std::chrono::milliseconds(timeout_ms_), call) == Sent::taken;
            if (!sent_traces) problem = collector_->problem();
        }
        const auto given_up = given_up_ + static_cast<std::int64_t>(queue_.size());
        collector_.reset();
        queue_.clear();
        if (sent_logs && sent_traces && given_up == 0) return;
        throw Refusal({.code = "collector",
                       .title = "the collector has not taken everything: " + std::to_string(given_up) + " events" +
                                (sent_traces ? "" : " and the trace") + " were not sent",
                       .detail = problem,
                       .hint = "castra replay RUN --reporter otlp sends them again"});
    }

private:
    void take(const std::string& line) {
        const auto event = OrderedJson::parse(line, nullptr, false);
        if (!event.is_object()) return;
        if (sends_traces_) spans_.take(event);
        if (!sends_logs_) return;
        const auto record = castra::otlp::log_record(event);
        if (!record) return;
        if (project_.empty()) {
            if (event.contains("project") && event["project"].is_string()) project_ = event["project"];
            if (event.contains("contract") && event["contract"].is_string()) contract_ = event["contract"];
        }
        queue_.push_back(record->dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
        queue_bytes_ += static_cast<std::int64_t>(queue_.back().size());
        while (queue_bytes_ > queue_bytes_max_) {
            forget_first(1);
            ++given_up_;
        }
    }

    void forget_first(std::size_t count) {
        for (; count > 0; --count) {
            queue_bytes_ -= static_cast<std::int64_t>(queue_.front().size());
            queue_.pop_front();
        }
    }

    // True: nothing waits any more.
    bool send_logs(const Call& call) {
        while (!queue_.empty() && !call.cancelled()) {
            const auto head = OrderedJson{{"resource", castra::otlp::resource_of(project_)}}.dump();
            const auto scope = castra::otlp::scope_of(contract_).dump();
            std::string json = R"({"resourceLogs":[)" + head.substr(0, head.size() - 1) + R"(,"scopeLogs":[{"scope":)" +
                               scope + R"(,"logRecords":[)";
            std::size_t count = 0;
            for (; count < queue_.size() && (count == 0 || json.size() + queue_[count].size() < request_bytes_max);
                 ++count)
                json += (count == 0 ? "" : ",") + queue_[count];
            json += "]}]}]}";
            const auto sent = collector_->post("/v1/logs", json, std::chrono::milliseconds(timeout_ms_), call);
            if (sent == Sent::later) {
                next_try_ = Call::Clock::now() + pause_;
                pause_ = std::min<std::chrono::milliseconds>(pause_ * 2, pause_max);
                return false;
            }
            forget_first(count);
            pause_ = pause_first;
            if (sent == Sent::refused) {
                given_up_ += static_cast<std::int64_t>(count);
                host().warn("reporter-otlp: " + collector_->problem() + ": " + std::to_string(count) +
                            " events given up");
            }
        }
        return queue_.empty();
    }

    std::string endpoint_, project_, contract_ = "1.0";
    Headers headers_, header_secrets_; // header_secrets_: names of secrets
    std::int64_t timeout_ms_ = 1000, queue_bytes_max_ = 4194304;
    bool sends_traces_ = true, sends_logs_ = true;
    std::unique_ptr<Collector> collector_;
    castra::otlp::RunSpans spans_;
    std::deque<std::string> queue_; // log records, not yet taken by the collector
    std::int64_t queue_bytes_ = 0, given_up_ = 0;
    std::chrono::milliseconds pause_ = pause_first;
    Call::Clock::time_point next_try_;
};

} // namespace

CASTRA_PLUGIN(OtlpReporter);
