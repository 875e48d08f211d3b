// SPDX-License-Identifier: Apache-2.0
// One event: the envelope and the fields of its type. As the emitter makes it, the bus's part of the envelope (run_id,
// seq, time ...) is still empty: that is a draft.
#pragma once
#include "contract/events.hpp"

#include <variant>

namespace castra::contract {

// x.<plugin>.<name>: a type of a plugin's own. It has no fields but the envelope's; `ext` holds what it wants to say.
// For a tolerant reader also any type that this build does not know.
struct Extension {
    static void describe(auto&&) {}
};

template <class List>
struct BodyOf;
template <class... E>
struct BodyOf<std::tuple<E...>> {
    using type = std::variant<E..., Extension>;
};
// Its copies, moves and destruction are compiled once: of so many alternatives they are seconds in every file.
struct Body : BodyOf<EventTypes>::type {
    using Variant = BodyOf<EventTypes>::type;
    using Variant::Variant;
    Body();
    Body(const Body& other);
    Body(Body&& other) noexcept;
    Body& operator=(const Body& other);
    Body& operator=(Body&& other) noexcept;
    ~Body();
};

struct Event {
    Envelope envelope;
    Body body;

    template <class E>
    const E* as() const {
        return std::get_if<E>(&body);
    }
    template <class E>
    bool is() const {
        return std::holds_alternative<E>(body);
    }

    Event&& on(std::string name) && { return envelope.vm = std::move(name), std::move(*this); }
    Event&& at(Severity value) && { return envelope.severity = value, std::move(*this); }
    Event&& cure(std::string text) && {
        if (!text.empty()) envelope.remediation = std::move(text);
        return std::move(*this);
    }
    Event&& because(ErrorField value) && { return envelope.error = std::move(value), std::move(*this); }
    Event&& took(std::int64_t ms) && { return envelope.duration_ms = ms, std::move(*this); }
    Event&& within(std::string span) && { return envelope.span = std::move(span), std::move(*this); }
    Event&& caused_by(std::int64_t seq) && { return envelope.cause_seq = seq, std::move(*this); }
    Event&& done(ProgressField value) && { return envelope.progress = std::move(value), std::move(*this); }
};
using Draft = Event;

// An event of type E with the type's own severity, from the kernel.
template <class E>
Draft draft(E body, std::string message) {
    Draft out;
    out.envelope.type = E::about.type;
    out.envelope.family = E::about.family;
    out.envelope.severity = E::about.severity;
    out.envelope.message = std::move(message);
    out.body = std::move(body);
    return out;
}

// A `message` event; its text is the envelope's message.
Draft message(Severity severity, std::string text, std::string code = {});

// The `message` that concludes a promised broker of which nothing came (rule 7).
Draft broker_aborted(const std::string& name, const std::string& why);

} // namespace castra::contract
