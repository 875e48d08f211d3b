// SPDX-License-Identifier: Apache-2.0
#include "contract/encode.hpp"

#include "base/utf8.hpp"
#include "contract/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace castra::contract {
namespace {

constexpr int rule = 18;
constexpr int free_depth_max = 16;

// Appends JSON text; grows, never shrinks. Remembers the first thing that may not stand in an event.
class Writer {
public:
    template <class T>
    void members(const T& value) {
        T::describe([this, &value](std::string_view name, auto member, const Note& note) {
            const auto& held = value.*member;
            unit_ = note.unit;
            using Held = std::remove_cvref_t<decltype(held)>;
            if constexpr (Unwrapped<Held>::optional) {
                if (!held) return;
                key(name);
                put(*held);
            } else {
                key(name);
                put(held);
            }
        });
    }

    void begin(Grease grease, std::int64_t seq) {
        is_greased_ = grease == Grease::unknown_fields;
        next_grease_ = static_cast<std::size_t>(seq > 0 ? seq : 0);
        used_ = 0;
        depth_ = 0;
        bad_.reset();
        raw("{");
        is_first_ = true;
    }
    void end() {
        grease();
        raw("}\n");
    }
    std::string_view text() const { return {buffer_.get(), used_}; }
    Check take_violation() { return std::move(bad_); }
    void refuse(std::string_view field, std::string_view why) {
        if (!bad_) bad_ = violation(rule, "field " + std::string(field) + " " + std::string(why));
    }

private:
    void key(std::string_view name) {
        path_[depth_] = name;
        char* at = room(name.size() + 4);
        if (!is_first_) *at++ = ',';
        is_first_ = false;
        *at++ = '"';
        std::memcpy(at, name.data(), name.size());
        at += name.size();
        *at++ = '"';
        *at++ = ':';
        used_to(at);
    }

    template <class T>
    void put(const T& value) {
        if constexpr (std::is_enum_v<T>) {
            quoted(text_of(value));
        } else if constexpr (std::is_same_v<T, bool>) {
            raw(value ? "true" : "false");
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
            integer(value);
        } else if constexpr (std::is_same_v<T, std::string>) {
            string(value);
        } else if constexpr (std::is_same_v<T, Json>) {
            free_object(value, 0);
            is_first_ = false;
        } else if constexpr (is_vector<T>) {
            raw("[");
            bool separate = false;
            for (const auto& item : value) {
                if (separate) raw(",");
                separate = true;
                put(item);
            }
            raw("]");
        } else {
            raw("{");
            is_first_ = true;
            ++depth_;
            members(value);
            grease();
            --depth_;
            is_first_ = false;
            raw("}");
        }
    }

    // The last member of an object of a greased line; of another type each time.
    void grease() {
        constexpr std::array<std::string_view, 5> values{"true", "7", "\"later\"", "[{\"a\":1}]", "{\"b\":[]}"};
        if (!is_greased_) return;
        key(grease_field);
        raw(values[next_grease_++ % values.size()]);
    }

    void integer(std::int64_t value) {
        if (value > integer_max || value < -integer_max) refuse_here("is beyond 2^53-1");
        if (value < 0 && unit_ != Unit::none) refuse_here("is negative");
        char* at = room(24);
        used_to(std::to_chars(at, at + 24, value).ptr);
    }

    void quoted(std::string_view plain) {
        char* at = room(plain.size() + 2);
        *at++ = '"';
        std::memcpy(at, plain.data(), plain.size());
        at += plain.size();
        *at++ = '"';
        used_to(at);
    }

    void raw(std::string_view text) {
        char* at = room(text.size());
        std::memcpy(at, text.data(), text.size());
        used_ += text.size();
    }

    // Bytes that stand for themselves, eight at a time.
    static std::size_t plain_prefix(std::string_view text) {
        constexpr std::uint64_t ones = 0x0101010101010101U;
        constexpr std::uint64_t highs = 0x8080808080808080U;
        std::size_t i = 0;
        for (; i + 8 <= text.size(); i += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, text.data() + i, 8);
            const auto quote = word ^ (ones * '"');
            const auto backslash = word ^ (ones * '\\');
            const auto del = word ^ (ones * 0x7f);
            const auto special =
                ((word - ones * 0x20) | (quote - ones) | (backslash - ones) | (del - ones) | word) & highs;
            if (special != 0) break;
        }
        for (; i < text.size(); ++i) {
            const auto byte = static_cast<unsigned char>(text[i]);
            if (byte < 0x20 || byte == '"' || byte == '\\' || byte >= 0x7f) break;
        }
        return i;
    }

    void string(std::string_view text) {
        char* at = room(text.size() * 6 + 2); // the worst: every byte an escape
        *at++ = '"';
        while (true) {
            const auto plain = plain_prefix(text);
            std::memcpy(at, text.data(), plain);
            at += plain;
            text.remove_prefix(plain);
            if (text.empty()) break;
            if (const auto length = utf8_length(text); length != 1) {
                const auto letter = length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, length);
                std::memcpy(at, letter.data(), letter.size());
                at += letter.size();
                text.remove_prefix(length == 0 ? 1 : length);
                continue;
            }
            at = escaped(at, text.front());
            text.remove_prefix(1);
        }
        *at++ = '"';
        used_to(at);
    }

    char* escaped(char* at, char c) {
        constexpr const char* digits = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        if (is_bad_control(byte, depth_ == 0 && path_[0] == "message")) refuse_here("holds a control character");
        *at++ = '\\';
        if (c == '"' || c == '\\') {
            *at++ = c;
        } else if (c == '\n' || c == '\t') {
            *at++ = c == '\n' ? 'n' : 't';
        } else {
            std::memcpy(at, "u00", 3);
            at[3] = digits[byte >> 4U];
            at[4] = digits[byte & 15U];
            at += 5;
        }
        return at;
    }

    // `ext`: any JSON but null, fractions beyond a double, wide integers and deep nests.
    void free_object(const Json& value, int depth) {
        if (depth == 0 && !value.is_object()) refuse_here("is no object");
        if (depth > free_depth_max) return refuse_here("is nested too deeply"), raw("{}");
        if (value.is_structured()) {
            raw(value.is_object() ? "{" : "[");
            bool separate = false;
            for (const auto& [name, member] : value.items()) {
                if (separate) raw(",");
                separate = true;
                if (value.is_object()) {
                    string(name);
                    raw(":");
                }
                free_object(member, depth + 1);
            }
            raw(value.is_object() ? "}" : "]");
        } else if (value.is_string()) {
            string(value.get_ref<const std::string&>());
        } else {
            if (value.is_null()) refuse_here("holds null");
            if (value.is_number() && std::abs(value.get<double>()) > static_cast<double>(integer_max))
                refuse_here("is beyond 2^53-1");
            raw(value.dump());
        }
    }

    void refuse_here(std::string_view why) {
        if (bad_) return;
        std::string path(path_[0]);
        for (std::size_t i = 1; i <= depth_; ++i)
            path += "." + std::string(path_[i]);
        refuse(path, why);
    }

    char* room(std::size_t bytes) {
        if (used_ + bytes > capacity_) {
            const auto grown = std::max(capacity_ * 2, used_ + bytes + 4096);
            auto moved = std::make_unique_for_overwrite<char[]>(grown);
            if (used_ > 0) std::memcpy(moved.get(), buffer_.get(), used_);
            buffer_ = std::move(moved);
            capacity_ = grown;
        }
        return buffer_.get() + used_;
    }
    void used_to(const char* end) { used_ = static_cast<std::size_t>(end - buffer_.get()); }

    std::unique_ptr<char[]> buffer_;
    std::size_t used_ = 0, capacity_ = 0;
    std::array<std::string_view, 8> path_{}; // described structs do not nest deeper
    std::size_t depth_ = 0;
    bool is_first_ = true, is_greased_ = false;
    std::size_t next_grease_ = 0; // of its values
    Unit unit_ = Unit::none;      // of the member being written
    Check bad_;
};

bool has(const Envelope& envelope, std::string_view field) {
    if (field == "vm") return envelope.vm.has_value();
    if (field == "duration_ms") return envelope.duration_ms.has_value();
    return field == "error" && envelope.error.has_value();
}

void check_frame(const Event& event, Writer& out) {
    const auto& envelope = event.envelope;
    std::visit(
        [&]<class E>(const E&) {
            if constexpr (std::is_same_v<E, Extension>) {
                if (!is_extension_type(envelope.type))
                    out.refuse("type", "is \"" + envelope.type + "\", which is not registered");
            } else {
                if (envelope.type != E::about.type) out.refuse("type", "is not that of the event's fields");
                if (envelope.family != E::about.family) out.refuse("family", "does not belong to " + envelope.type);
                for (const auto field : E::about.also)
                    if (!has(envelope, field)) out.refuse(field, "is missing, and " + envelope.type + " requires it");
            }
        },
        event.body);
}

// The longest string anywhere in the event.
std::string* longest_string(Json& value) {
    if (value.is_string()) return value.get_ptr<std::string*>();
    std::string* longest = nullptr;
    if (value.is_structured())
        for (auto& member : value)
            if (auto* found = longest_string(member); found && (!longest || found->size() > longest->size()))
                longest = found;
    return longest;
}

// Rare and slow: through a JSON library.
void cut(std::string& line) {
    auto event = Json::parse(line, nullptr, false);
    while (line.size() > line_bytes_max) {
        auto* longest = event.is_discarded() ? nullptr : longest_string(event);
        const auto excess = line.size() - line_bytes_max + 32; // 32: room for `truncated`
        if (!longest || longest->size() < 64) break;           // thousands of short members
        // Escapes make a byte of text up to six of JSON, so cutting the excess is enough but may cut more than needed.
        auto keep = longest->size() > excess + 64 ? longest->size() - excess - 8 : longest->size() / 2;
        while (keep > 0 && (static_cast<unsigned char>((*longest)[keep]) & 0xc0U) == 0x80U)
            --keep;
        longest->resize(keep);
        longest->append("...");
        event["truncated"] = true;
        line = event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    }
}

} // namespace

bool is_extension_type(std::string_view type) {
    const auto is_word = [](std::string_view text, bool dots) {
        return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [dots](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || (dots && c == '.');
        });
    };
    if (!type.starts_with("x.")) return false;
    type.remove_prefix(2);
    const auto dot = type.find('.');
    return dot != std::string_view::npos && is_word(type.substr(0, dot), false) && is_word(type.substr(dot + 1), true);
}

Check encode(const Event& event, std::string& line, std::string* whole, Grease grease) {
    thread_local Writer out;
    out.begin(grease, event.envelope.seq);
    check_frame(event, out);
    out.members(event.envelope);
    std::visit([]<class E>(const E& body) { out.members(body); }, event.body);
    out.end();
    line.assign(out.text());
    auto bad = out.take_violation();
    if (line.size() > line_bytes_max && !bad) {
        if (whole) *whole = line;
        cut(line);
        if (line.size() > line_bytes_max) bad = violation(rule, "the event is longer than a line may be");
    }
    return bad;
}

} // namespace castra::contract
