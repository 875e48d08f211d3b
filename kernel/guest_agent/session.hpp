// SPDX-License-Identifier: Apache-2.0
// The agent's session with the broker: connects by the ways there are, port first, and again when it breaks; keeps what
// the guest wants said until it is acknowledged. No threads; poll() drives it.
// Limits: waiting_max requests; frames as the broker's.
#pragma once
#include "broker/frame.hpp"
#include "guest_agent/ways.hpp"

#include <functional>
#include <map>
#include <nlohmann/json.hpp>

namespace castra::agent {

class Session {
public:
    explicit Session(Ways ways) : ways_(std::move(ways)) {}

    int fd() const { return fd_.get(); } // -1: not connected
    bool wants_to_write() const { return !out_.empty(); }
    // When tick() has something to do at the latest.
    std::int64_t next_ms() const;
    void tick();
    void readable(bool is_hung_up);
    void writable();

    // Answered once: "" when the broker has it, else what went wrong.
    using Answer = std::function<void(const std::string& error)>;
    // `facts`: an object, for castra. Remembered: said again in every later session.
    void say_ready(nlohmann::json facts, Answer answer);
    void publish(const std::string& topic, nlohmann::json payload, Answer answer);
    std::function<void()> on_shutdown;

    static constexpr std::size_t waiting_max = 64;

private:
    struct Request {
        nlohmann::json frame;
        Answer answer;
        bool is_sent = false;
    };
    void connect();
    void drop();
    void take(std::string_view bytes);
    bool find_greeting();
    void frame(std::string_view body);
    void send(const nlohmann::json& frame);
    void send_waiting();
    void ask(nlohmann::json frame, Answer answer);

    Ways ways_;
    UniqueFd fd_;
    bool by_port_ = false, is_welcome_ = false, is_greeted_ = false, is_ready_ = false;
    int failures_ = 0; // in a row
    std::int64_t next_attempt_ms_ = 0, opened_ms_ = 0, heard_ms_ = 0, beat_ms_ = 0;
    std::string in_, out_;
    broker::FrameReader reader_;
    nlohmann::json facts_;
    std::map<std::int64_t, Request> waiting_;
    std::int64_t last_id_ = 0;
};

} // namespace castra::agent
