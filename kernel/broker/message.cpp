// SPDX-License-Identifier: Apache-2.0
#include "broker/message.hpp"

#include <algorithm>
#include <array>

namespace castra::broker {
namespace {

constexpr std::array<std::string_view, 9> type_names{"hello", "heartbeat", "publish", "subscribe", "unsubscribe",
                                                     "ack",   "ready",     "status",  "topics"};
constexpr std::int64_t number_max = 9007199254740991; // 2^53 - 1

Failure bad(std::string text) {
    return fail(ErrorCode::protocol, std::move(text));
}

// Before the parser sees it: deep nesting costs stack elsewhere.
bool is_too_deep(std::string_view body) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < body.size(); ++i) {
        const char c = body[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > limits::nesting_max) return true;
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return false;
}

bool is_word(std::string_view text, std::size_t bytes_max) {
    return !text.empty() && text.size() <= bytes_max &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; });
}

Result<std::string> text_of(const json& frame, const char* key, std::size_t bytes_max) {
    const auto found = frame.find(key);
    if (found == frame.end()) return std::string();
    if (!found->is_string()) return bad(std::string(key) + " is no string");
    const auto& text = found->get_ref<const std::string&>();
    if (!is_word(text, bytes_max)) return bad(std::string(key) + " is empty, too long, or has letters it may not have");
    return text;
}

Result<std::optional<std::int64_t>> number_of(const json& frame, const char* key) {
    const auto found = frame.find(key);
    if (found == frame.end()) return std::optional<std::int64_t>();
    if (!found->is_number_integer()) return bad(std::string(key) + " is no whole number");
    const auto is_inside = found->is_number_unsigned() ? found->get<std::uint64_t>() <= number_max : false;
    if (!is_inside) return bad(std::string(key) + " is beyond 0..2^53-1");
    return std::optional(found->get<std::int64_t>());
}

Result<> read_hello(const json& frame, Message& into) {
    CASTRA_TRY(version, number_of(frame, "version"));
    if (!version) return bad("a hello needs a version");
    into.version = static_cast<int>(std::min<std::int64_t>(*version, 1 << 20));
    CASTRA_TRY(role, text_of(frame, "role", 16));
    if (role != "guest" && role != "host") return bad("role must be guest or host");
    into.is_host = role == "host";
    CASTRA_TRY(vm, text_of(frame, "vm", 63));
    into.vm = vm;
    CASTRA_TRY(secret, text_of(frame, "secret", 128));
    into.secret = secret;
    const auto list = frame.find("capabilities");
    if (list == frame.end()) return {};
    if (!list->is_array() || list->size() > limits::capabilities_max)
        return bad("capabilities must be an array of at most " + std::to_string(limits::capabilities_max));
    for (const auto& one : *list) {
        if (!one.is_string() || !is_word(one.get_ref<const std::string&>(), limits::name_bytes_max))
            return bad("a capability must be a short word");
        into.capabilities.push_back(one.get<std::string>());
    }
    return {};
}

Result<> read_to(const json& frame, Message& into) {
    CASTRA_TRY(to, text_of(frame, "to", 67));
    if (!to.empty() && to != "host" && to != "all" && !(to.starts_with("vm:") && to.size() > 3))
        return bad("to must be host, all or vm:NAME");
    into.to = to;
    return {};
}

} // namespace

bool is_topic(std::string_view text, bool may_end_in_star) {
    if (may_end_in_star && text == "*") return true;
    if (may_end_in_star && text.ends_with("/*")) text.remove_suffix(2);
    const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    if (text.empty() || text.size() > limits::topic_letters_max || !is_plain(text.front()) || text.back() == '/')
        return false;
    if (text.find("//") != std::string_view::npos || text.find("..") != std::string_view::npos) return false;
    return std::ranges::all_of(text,
                               [&](char c) { return is_plain(c) || c == '.' || c == '_' || c == '/' || c == '-'; });
}

bool is_durable(std::string_view topic) {
    return topic.starts_with(durable_prefix);
}

bool topic_matches(std::string_view pattern, std::string_view topic) {
    if (pattern == "*") return true;
    if (!pattern.ends_with("/*")) return pattern == topic;
    pattern.remove_suffix(1);
    return topic.size() > pattern.size() && topic.starts_with(pattern);
}

Result<Message> decode(std::string_view body) {
    if (is_too_deep(body)) return bad("JSON nested deeper than " + std::to_string(limits::nesting_max));
    auto frame = json::parse(body, nullptr, false);
    if (!frame.is_object()) return bad("a frame must be one JSON object in UTF-8");
    const auto type = frame.find("type");
    if (type == frame.end() || !type->is_string()) return bad("a frame needs a type");
    const auto known = std::ranges::find(type_names, type->get_ref<const std::string&>());
    if (known == type_names.end()) return bad("unknown type of frame");
    Message message;
    message.type = static_cast<Message::Type>(known - type_names.begin());
    CASTRA_TRY(id, number_of(frame, "id"));
    message.id = id.value_or(0);
    if (message.type == Message::Type::hello) CASTRA_CHECK(read_hello(frame, message));
    const bool subscribes = message.type == Message::Type::subscribe || message.type == Message::Type::unsubscribe;
    if (subscribes || message.type == Message::Type::publish || message.type == Message::Type::ack) {
        CASTRA_TRY(topic, text_of(frame, "topic", limits::topic_letters_max + 2));
        if (message.type == Message::Type::ack && topic.empty()) return message; // of nothing that has to be kept
        if (!is_topic(topic, subscribes)) return bad("topic must be made of a-z 0-9 . _ - and single slashes");
        message.topic = topic;
    }
    if (message.type == Message::Type::publish) {
        CASTRA_CHECK(read_to(frame, message));
        if (auto payload = frame.find("payload"); payload != frame.end()) message.payload = std::move(*payload);
    }
    if (message.type == Message::Type::subscribe) {
        CASTRA_TRY(after, number_of(frame, "after"));
        message.after = after;
        CASTRA_TRY(cursor, text_of(frame, "cursor", limits::name_bytes_max));
        message.cursor = cursor;
    }
    if (message.type == Message::Type::ready) {
        const auto facts = frame.find("facts");
        message.payload = facts == frame.end() ? json::object() : std::move(*facts);
        if (!message.payload.is_object() || message.payload.dump().size() > limits::facts_bytes_max)
            return bad("facts must be an object of at most " + std::to_string(limits::facts_bytes_max) + " bytes");
    }
    if (message.type == Message::Type::ack) {
        CASTRA_TRY(seq, number_of(frame, "seq"));
        message.seq = seq.value_or(0);
    }
    return message;
}

std::string greeting_body() {
    return json{{"type", "greeting"},
                {"version", protocol_version},
                {"frame_bytes_max", limits::frame_bytes_max},
                {"heartbeat_ms", limits::heartbeat_ms},
                {"silence_ms_max", limits::silence_ms_max}}
        .dump();
}

std::string welcome_body(const std::string& session, const std::string& vm, const std::string& incarnation) {
    json body{{"type", "welcome"}, {"session", session}};
    if (!vm.empty()) body.update({{"vm", vm}, {"incarnation", incarnation}});
    return body.dump();
}

std::string ack_body(std::int64_t id, std::optional<std::int64_t> seq) {
    auto body = R"({"type":"ack","id":)" + std::to_string(id);
    if (seq) body += ",\"seq\":" + std::to_string(*seq);
    return body + "}";
}

std::string error_body(std::int64_t id, std::string_view code, std::string_view detail, bool is_fatal) {
    return json{{"type", "error"}, {"id", id}, {"code", code}, {"detail", detail}, {"fatal", is_fatal}}.dump(
        -1, ' ', false, json::error_handler_t::replace);
}

std::string deliver_body(std::string_view topic, std::string_view from, std::int64_t seq, std::string_view payload) {
    std::string body = R"({"type":"deliver","topic":")";
    body.reserve(body.size() + topic.size() + from.size() + payload.size() + 64);
    body.append(topic).append(R"(","from":")").append(from).append("\"");
    if (seq > 0) body.append(",\"seq\":").append(std::to_string(seq));
    return body.append(",\"payload\":").append(payload).append("}");
}

std::vector<std::string> list_bodies(std::string_view type, std::string_view list, const json& items) {
    constexpr std::string_view and_more = R"(],"more":true})";
    const auto begin = R"({"type":")" + std::string(type) + R"(",")" + std::string(list) + R"(":[)";
    std::vector<std::string> bodies;
    auto body = begin;
    for (const auto& item : items) {
        const auto text = item.dump(-1, ' ', false, json::error_handler_t::replace);
        if (body.size() > begin.size() && body.size() + 1 + text.size() + and_more.size() > limits::frame_bytes_max) {
            bodies.push_back(body.append(and_more));
            body = begin;
        }
        if (body.size() > begin.size()) body += ',';
        body += text;
    }
    bodies.push_back(body.append("]}"));
    return bodies;
}

} // namespace castra::broker
