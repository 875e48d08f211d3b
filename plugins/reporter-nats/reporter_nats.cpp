// SPDX-License-Identifier: Apache-2.0
// The events of a run in a NATS stream. It never fails while the run goes on: what the server has not said it stored
// stays in a bounded queue and is sent again, the oldest is given up and counted. Sent again is not stored again: an
// event's id there is run_id:seq. What is still there at the end is tried once more; only that failure is an error of
// this reporter.
#include "castra/sdk/plugin.hpp"
#include "jet_stream.hpp"
#include "subject.hpp"

#include <algorithm>

namespace {

using namespace castra::sdk;
using namespace std::chrono_literals;
using castra::nats::JetStream;
using castra::nats::Message;

constexpr std::size_t batch_max = 256, batch_bytes_max = 1 << 20;
constexpr auto pause_first = 250ms, pause_max = 8000ms;

class NatsReporter : public Reporter {
public:
    explicit NatsReporter(const Json& config) {
        read_field(config, "servers", settings_.servers);
        read_field(config, "stream", settings_.stream);
        read_field(config, "subject", settings_.subject);
        read_field(config, "create_stream", settings_.creates_stream);
        read_field(config, "stream_bytes_max", settings_.stream_bytes_max);
        read_field(config, "duplicate_window_secs", settings_.duplicate_window_secs);
        read_field(config, "replicas", settings_.replicas);
        read_field(config, "user", settings_.user);
        read_field(config, "password", settings_.password);
        read_field(config, "password_secret", password_secret_);
        read_field(config, "token", settings_.token);
        read_field(config, "token_secret", token_secret_);
        read_field(config, "credentials", settings_.credentials);
        read_field(config, "ca", settings_.ca);
        read_field(config, "timeout_ms", settings_.timeout_ms);
        read_field(config, "queue_bytes_max", queue_bytes_max_);
        if (settings_.servers.empty())
            throw Refusal({.code = "servers",
                           .title = "reporter-nats needs a server",
                           .field_path = "/servers",
                           .hint = R"(such as servers = ["nats://127.0.0.1:4222"])"});
        for (const auto* text : {&settings_.user, &settings_.password, &settings_.token, &settings_.credentials,
                                 &settings_.ca, &settings_.stream, &settings_.subject})
            if (text->find('\0') != std::string::npos)
                throw Refusal({.code = "text", .title = "an option holds a NUL"});
    }

    void open(const OpenRequest&, const Call&) override {
        if (!password_secret_.empty()) settings_.password = host().secret(password_secret_);
        if (!token_secret_.empty()) settings_.token = host().secret(token_secret_);
        queue_.clear();
        queue_bytes_ = given_up_ = 0;
        pause_ = pause_first;
        next_try_ = {};
        is_open_ = true;
    }

    void events(const EventBatch& batch, const Call& call) override {
        if (!is_open_) throw Refusal({.code = "not_open", .title = "reporter-nats has no run"});
        for (const auto& event : batch.events)
            take(event.line);
        if (!queue_.empty() && Call::Clock::now() >= next_try_) send(call);
    }

    void flush(const Call& call) override {
        if (is_open_) send(call);
    }

    void close(const Call& call) override {
        if (!is_open_) return;
        send(call);
        const auto lost = given_up_ + static_cast<std::int64_t>(queue_.size());
        stream_.reset();
        queue_.clear();
        is_open_ = false;
        if (lost == 0) return;
        throw Refusal({.code = "nats",
                       .title = "NATS has not stored everything: " + std::to_string(lost) +
                                (lost == 1 ? " event is missing" : " events are missing"),
                       .detail = problem_,
                       .hint = "castra replay RUN --reporter nats sends them again; what is there already is not "
                               "stored twice"});
    }

private:
    void take(const std::string& line) {
        const auto event = Json::parse(line, nullptr, false);
        if (!event.is_object()) return;
        std::string project, type, run_id;
        std::int64_t seq = 0;
        read_field(event, "project", project);
        read_field(event, "type", type);
        read_field(event, "run_id", run_id);
        read_field(event, "seq", seq);
        auto data = line;
        while (data.ends_with('\n'))
            data.pop_back();
        queue_.push_back({castra::nats::subject_of(settings_.subject, project, type),
                          run_id + ":" + std::to_string(seq), std::move(data)});
        queue_bytes_ += bytes_of(queue_.back());
        while (queue_bytes_ > queue_bytes_max_) {
            forget_first(1);
            ++given_up_;
        }
    }

    static std::int64_t bytes_of(const Message& message) {
        return static_cast<std::int64_t>(message.subject.size() + message.id.size() + message.data.size());
    }

    void forget_first(std::size_t count) {
        for (; count > 0; --count) {
            queue_bytes_ -= bytes_of(queue_.front());
            queue_.pop_front();
        }
    }

    std::size_t next_batch() const {
        std::size_t count = 0;
        for (std::size_t bytes = 0; count < std::min(queue_.size(), batch_max); ++count) {
            bytes += static_cast<std::size_t>(bytes_of(queue_[count]));
            if (count > 0 && bytes > batch_bytes_max) break;
        }
        return count;
    }

    // Until nothing waits, or it does not work now. Another server is tried at once, each once.
    void send(const Call& call) {
        std::size_t failures = 0;
        while (!queue_.empty() && !call.cancelled()) {
            if (!stream_) stream_ = JetStream::connect(settings_, settings_.servers[server_], call, problem_);
            if (!stream_) {
                server_ = (server_ + 1) % settings_.servers.size();
                if (++failures < settings_.servers.size()) continue;
                return later();
            }
            const auto published = stream_->publish(queue_, next_batch(), call);
            forget_first(published.done);
            if (published.refused > 0) {
                given_up_ += static_cast<std::int64_t>(published.refused);
                host().warn("reporter-nats: " + published.problem + ": " + std::to_string(published.refused) +
                            " events given up");
            }
            if (published.done > 0) pause_ = pause_first;
            if (published.problem.empty()) continue;
            problem_ = published.problem;
            if (published.is_connected && published.done > 0) continue;
            if (!published.is_connected) stream_.reset();
            if (published.is_connected || ++failures >= settings_.servers.size() + 1) return later();
        }
    }

    void later() {
        next_try_ = Call::Clock::now() + pause_;
        pause_ = std::min<std::chrono::milliseconds>(pause_ * 2, pause_max);
    }

    castra::nats::Settings settings_;
    std::string password_secret_, token_secret_; // names
    std::int64_t queue_bytes_max_ = 16777216;
    bool is_open_ = false;
    std::unique_ptr<JetStream> stream_; // null: not connected
    std::size_t server_ = 0;            // that is tried next
    std::deque<Message> queue_;         // not known to be stored
    std::int64_t queue_bytes_ = 0, given_up_ = 0;
    std::string problem_; // the latest
    std::chrono::milliseconds pause_ = pause_first;
    Call::Clock::time_point next_try_;
};

} // namespace

CASTRA_PLUGIN(NatsReporter);
