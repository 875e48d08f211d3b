// SPDX-License-Identifier: Apache-2.0
#include "contract/event.hpp"

namespace castra::contract {

Body::Body() = default;
Body::Body(const Body& other) = default;
Body::Body(Body&& other) noexcept = default;
Body& Body::operator=(const Body& other) = default;
Body& Body::operator=(Body&& other) noexcept = default;
Body::~Body() = default;

Draft message(Severity severity, std::string text, std::string code) {
    Draft out;
    auto& event = out.body.emplace<Message>();
    event.text = text;
    if (!code.empty()) event.code = std::move(code);
    out.envelope.type = Message::about.type;
    out.envelope.family = Message::about.family;
    out.envelope.severity = severity;
    out.envelope.message = std::move(text);
    return out;
}

Draft broker_aborted(const std::string& name, const std::string& why) {
    auto event = message(Severity::warn, "broker " + name + ": " + why, "broker_aborted");
    std::get<Message>(event.body).path = name;
    return event;
}

} // namespace castra::contract
