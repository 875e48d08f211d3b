// SPDX-License-Identifier: Apache-2.0
#include "guest_agent/session.hpp"

#include <algorithm>
#include <sys/socket.h>

namespace castra::agent {

using nlohmann::json;

namespace {

constexpr std::string_view greeting_word = "castra-broker/1 ";
constexpr std::size_t nonce_letters = 26;
constexpr std::size_t skipped_bytes_max = 1 << 18;
constexpr std::int64_t welcome_wait_ms = 4000; // then the next way is tried
constexpr std::int64_t backoff_ms_min = 50;
constexpr std::int64_t backoff_ms_max = 5000;
constexpr int port_attempts = 3; // before TCP has its turn

std::string text_of(const json& frame, const char* key) {
    const auto found = frame.find(key);
    return found != frame.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

std::int64_t Session::next_ms() const {
    if (fd() < 0) return next_attempt_ms_;
    if (!is_welcome_) return opened_ms_ + welcome_wait_ms;
    return std::min(beat_ms_ + broker::limits::heartbeat_ms, heard_ms_ + broker::limits::silence_ms_max);
}

void Session::tick() {
    const auto now = now_ms();
    if (fd() < 0) {
        if (now >= next_attempt_ms_) connect();
        return;
    }
    if (!is_welcome_ && now - opened_ms_ >= welcome_wait_ms) return drop();
    if (is_welcome_ && now - heard_ms_ >= broker::limits::silence_ms_max) return drop();
    if (is_welcome_ && now - beat_ms_ >= broker::limits::heartbeat_ms) {
        beat_ms_ = now;
        send({{"type", "heartbeat"}});
    }
}

void Session::connect() {
    const bool has_tcp = ways_.tcp_port != 0;
    by_port_ = !ways_.port.empty() && (!has_tcp || failures_ % (port_attempts + 1) < port_attempts);
    fd_ = by_port_ ? open_port(ways_.port) : has_tcp ? connect_tcp(ways_.address, ways_.tcp_port, 1000) : UniqueFd();
    is_welcome_ = is_greeted_ = false;
    in_.clear();
    out_.clear();
    reader_ = broker::FrameReader();
    opened_ms_ = heard_ms_ = beat_ms_ = now_ms();
    if (fd() < 0) return drop();
    // Over a port the broker may still be in a session with an agent that has died: this ends it, and is skipped else.
    if (by_port_) out_ = "castra-hail\n";
}

void Session::drop() {
    fd_.reset();
    const auto wait = std::min(backoff_ms_max, backoff_ms_min << std::min(failures_, 7));
    ++failures_;
    next_attempt_ms_ = now_ms() + wait;
    for (auto& [id, request] : waiting_)
        request.is_sent = false; // again in the next session: at least once
    is_welcome_ = false;
}

void Session::readable(bool is_hung_up) {
    char bytes[16384];
    const auto size = ::read(fd(), bytes, sizeof bytes);
    if (size > 0) return take({bytes, static_cast<std::size_t>(size)});
    if (size == 0 || is_hung_up || (errno != EAGAIN && errno != EINTR)) drop();
}

void Session::writable() {
    const auto size = ::write(fd(), out_.data(), out_.size());
    if (size > 0)
        out_.erase(0, static_cast<std::size_t>(size));
    else if (size < 0 && errno != EAGAIN && errno != EINTR)
        drop();
}

// What an earlier connection left in the port comes before it and is skipped.
bool Session::find_greeting() {
    for (auto at = in_.find(greeting_word); at != std::string::npos; at = in_.find(greeting_word, at + 1)) {
        const auto end = at + greeting_word.size() + nonce_letters;
        if (in_.size() <= end) break;
        if (in_[end] != '\n') continue;
        const auto nonce = in_.substr(at + greeting_word.size(), nonce_letters);
        in_.erase(0, end + 1);
        is_greeted_ = true;
        out_ += "castra-sync " + nonce + "\n";
        json hello{{"type", "hello"}, {"version", 1}, {"role", "guest"}, {"capabilities", {"publish", "shutdown"}}};
        if (!ways_.vm.empty()) hello["vm"] = ways_.vm;
        if (!by_port_) hello["secret"] = ways_.secret;
        send(hello);
        return true;
    }
    if (in_.size() > skipped_bytes_max) in_.erase(0, in_.size() - 64);
    return false;
}

void Session::take(std::string_view bytes) {
    heard_ms_ = now_ms();
    std::string rest;
    if (!is_greeted_) {
        in_.append(bytes);
        if (!find_greeting()) return;
        rest = std::exchange(in_, {});
        bytes = rest;
    }
    const auto fed = reader_.feed(bytes, [this](std::string_view body) {
        frame(body);
        return fd() >= 0;
    });
    if (!fed && fd() >= 0) drop();
}

void Session::frame(std::string_view body) {
    const auto said = json::parse(body, nullptr, false);
    if (!said.is_object()) return drop();
    const auto type = text_of(said, "type");
    if (type == "welcome") {
        is_welcome_ = true;
        failures_ = 0;
        if (is_ready_) send({{"type", "ready"}, {"facts", facts_}});
        send_waiting();
    } else if (type == "shutdown") {
        if (on_shutdown) on_shutdown();
    } else if (type == "ack" || type == "error") {
        const auto id = said.find("id");
        const auto found =
            id != said.end() && id->is_number_integer() ? waiting_.find(id->get<std::int64_t>()) : waiting_.end();
        if (found != waiting_.end()) {
            const auto answer = std::move(found->second.answer);
            waiting_.erase(found);
            answer(type == "ack" ? "" : text_of(said, "detail"));
        } else if (type == "error") {
            const auto fatal = said.find("fatal");
            if (fatal != said.end() && *fatal == true) drop();
        }
    }
}

void Session::send(const json& frame) {
    broker::append_frame(out_, frame.dump(-1, ' ', false, json::error_handler_t::replace));
}

void Session::send_waiting() {
    for (auto& [id, request] : waiting_)
        if (!std::exchange(request.is_sent, true)) send(request.frame);
}

void Session::ask(json frame, Answer answer) {
    if (waiting_.size() >= waiting_max) return answer("too much is waiting for the broker already");
    frame["id"] = ++last_id_;
    if (frame.dump(-1, ' ', false, json::error_handler_t::replace).size() > broker::limits::frame_bytes_max)
        return answer("too long");
    waiting_.emplace(last_id_, Request{std::move(frame), std::move(answer)});
    if (is_welcome_) send_waiting();
}

void Session::say_ready(json facts, Answer answer) {
    is_ready_ = true;
    facts_ = std::move(facts);
    ask({{"type", "ready"}, {"facts", facts_}}, std::move(answer));
}

void Session::publish(const std::string& topic, json payload, Answer answer) {
    ask({{"type", "publish"}, {"topic", topic}, {"payload", std::move(payload)}}, std::move(answer));
}

} // namespace castra::agent
