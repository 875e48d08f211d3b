// SPDX-License-Identifier: Apache-2.0
// What frames say: JSON objects with a `type`. Decoding checks types, limits and alphabets, so that whatever is beyond
// this header can be trusted in form. docs/BROKER.md is the specification.
#pragma once
#include "base/result.hpp"
#include "broker/limits.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace castra::broker {

using nlohmann::json;

inline constexpr int protocol_version = 1;
inline constexpr std::string_view greeting_word = "castra-broker/1 "; // then a nonce and a line feed
inline constexpr std::string_view sync_word = "castra-sync ";         // then the same nonce and a line feed
inline constexpr std::string_view durable_prefix = "durable/";

struct Message {
    enum class Type { hello, heartbeat, publish, subscribe, unsubscribe, ack, ready, status, topics };
    Type type = Type::heartbeat;
    std::int64_t id = 0; // of the request; comes back with the ack
    // of hello
    int version = 0;
    bool is_host = false;
    std::string vm, secret;
    std::vector<std::string> capabilities;
    // of publish, subscribe, unsubscribe, ack
    std::string topic;
    std::string to;                    // "", "host", "all", "vm:NAME"
    json payload;                      // of publish; the facts of ready
    std::optional<std::int64_t> after; // of subscribe
    std::string cursor;                // of subscribe: a name under which the broker remembers
    std::int64_t seq = 0;              // of ack
};

// Errors: protocol; the text says what is wrong with the frame.
Result<Message> decode(std::string_view body);

// [a-z0-9] first, then [a-z0-9._/-], at most 128. `may_end_in_star`: "a/*" is everything below a, "*" everything.
bool is_topic(std::string_view text, bool may_end_in_star);
bool is_durable(std::string_view topic);
bool topic_matches(std::string_view pattern, std::string_view topic);

// Bodies that the broker sends; one line, no line feed inside.
std::string greeting_body();
std::string welcome_body(const std::string& session, const std::string& vm, const std::string& incarnation);
std::string ack_body(std::int64_t id, std::optional<std::int64_t> seq = {});
std::string error_body(std::int64_t id, std::string_view code, std::string_view detail, bool is_fatal);
// `payload` is JSON text. seq 0: a live topic, which has none.
std::string deliver_body(std::string_view topic, std::string_view from, std::int64_t seq, std::string_view payload);
// Frames of `type` whose arrays `list` together are `items`; all but the last say "more". An item fits into a frame.
std::vector<std::string> list_bodies(std::string_view type, std::string_view list, const json& items);

} // namespace castra::broker
