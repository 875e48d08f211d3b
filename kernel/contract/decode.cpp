// SPDX-License-Identifier: Apache-2.0
#include "contract/decode.hpp"

#include "contract/encode.hpp"
#include "contract/registry.hpp"
#include "contract/text.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace castra::contract {
namespace {

constexpr int rule = 18;
constexpr int depth_max = 24;

Check refuse(const std::string& path, const std::string& why) {
    return violation(rule, "field " + path + " " + why);
}

bool has_bad_control(std::string_view text, bool one_line) {
    return std::ranges::any_of(text,
                               [one_line](char c) { return is_bad_control(static_cast<unsigned char>(c), one_line); });
}

bool is_too_wide(const Json& number) {
    if (number.is_number_float()) return std::abs(number.get<double>()) > static_cast<double>(integer_max);
    if (number.is_number_unsigned()) return number.get<std::uint64_t>() > static_cast<std::uint64_t>(integer_max);
    const auto value = number.get<std::int64_t>();
    return value > integer_max || value < -integer_max;
}

Check check_free(const Json& value, const std::string& path) {
    if (value.is_null()) return refuse(path, "holds null");
    if (value.is_string() && has_bad_control(value.get_ref<const std::string&>(), false))
        return refuse(path, "holds a control character");
    if (value.is_number() && is_too_wide(value)) return refuse(path, "is beyond 2^53-1");
    if (value.is_structured())
        for (const auto& [name, member] : value.items()) {
            if (has_bad_control(name, false)) return refuse(path, "holds a control character");
            if (auto bad = check_free(member, path + "." + name)) return bad;
        }
    return {};
}

template <class T>
Check read_described(const Json& object, T& out, const std::string& path, ReaderMode mode, std::size_t& seen);

template <class T>
Check read(const Json& value, T& out, const std::string& path, ReaderMode mode) {
    const auto wrong_type = [&](const char* wanted) {
        return refuse(path, "is " + std::string(value.type_name()) + ", not " + wanted);
    };
    if constexpr (std::is_enum_v<T>) {
        if (!value.is_string()) return wrong_type("string");
        const auto& text = value.get_ref<const std::string&>();
        const auto& values = EnumText<T>::values;
        const auto found = std::ranges::find(values, text);
        if (found == values.end()) return refuse(path, "is \"" + text + "\", which its closed enum does not have");
        out = static_cast<T>(found - values.begin());
    } else if constexpr (std::is_same_v<T, bool>) {
        if (!value.is_boolean()) return wrong_type("boolean");
        out = value.get<bool>();
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        if (!value.is_number_integer()) return wrong_type("integer");
        if (is_too_wide(value)) return refuse(path, "is beyond 2^53-1");
        out = value.get<std::int64_t>();
    } else if constexpr (std::is_same_v<T, std::string>) {
        if (!value.is_string()) return wrong_type("string");
        out = value.get_ref<const std::string&>();
        if (has_bad_control(out, path == "message")) return refuse(path, "holds a control character");
    } else if constexpr (std::is_same_v<T, Json>) {
        if (!value.is_object()) return wrong_type("object");
        out = value;
        return check_free(value, path);
    } else if constexpr (is_vector<T>) {
        if (!value.is_array()) return wrong_type("array");
        out.resize(value.size());
        for (std::size_t i = 0; i < value.size(); ++i)
            if (auto bad = read(value[i], out[i], path + "[" + std::to_string(i) + "]", mode)) return bad;
    } else {
        if (!value.is_object()) return wrong_type("object");
        std::size_t seen = 0;
        if (auto bad = read_described(value, out, path + ".", mode, seen)) return bad;
        if (mode == ReaderMode::strict && seen != value.size())
            return refuse(path, "has a member that is not registered");
    }
    return {};
}

// `seen` counts the members that were read.
template <class T>
Check read_described(const Json& object, T& out, const std::string& path, ReaderMode mode, std::size_t& seen) {
    Check bad;
    T::describe([&](std::string_view name, auto member, const Note& note) {
        if (bad) return;
        auto& held = out.*member;
        using Held = std::remove_cvref_t<decltype(held)>;
        const auto found = object.find(name);
        if (found == object.end()) {
            if (!Unwrapped<Held>::optional) bad = refuse(path + std::string(name), "is missing");
            return;
        }
        ++seen;
        if constexpr (Unwrapped<Held>::optional)
            bad = read(*found, held.emplace(), path + std::string(name), mode);
        else
            bad = read(*found, held, path + std::string(name), mode);
        if (bad) return;
        if (found->is_number_integer() && note.unit != Unit::none && found->get<double>() < 0)
            bad = refuse(path + std::string(name), "is negative");
        if (note.unit == Unit::utc_time && !is_utc_text(found->get_ref<const std::string&>()))
            bad = refuse(path + std::string(name), "is not of the form YYYY-MM-DDThh:mm:ss.uuuuuuZ");
    });
    return bad;
}

using Reader = Check (*)(const Json&, Body&, ReaderMode, std::size_t&);

template <class E>
Check read_body(const Json& object, Body& out, ReaderMode mode, std::size_t& seen) {
    return read_described(object, out.emplace<E>(), "", mode, seen);
}

template <class... E>
Reader find_reader(std::string_view type, std::type_identity<std::tuple<E...>>) {
    Reader found = nullptr;
    ((type == E::about.type ? void(found = &read_body<E>) : void()), ...);
    return found;
}

Check read_fields(std::string_view type, const Json& object, Body& out, ReaderMode mode, std::size_t& seen) {
    if (const auto reader = find_reader(type, std::type_identity<EventTypes>{})) return reader(object, out, mode, seen);
    if (mode == ReaderMode::strict && !is_extension_type(type))
        return refuse("type", "is \"" + std::string(type) + "\", which is not registered");
    out.emplace<Extension>();
    return {};
}

std::string unregistered(const Json& object, const Event& event) {
    const auto* type = registry().find_type(event.envelope.type);
    for (const auto& [name, value] : object.items())
        if (!registry().find_envelope_field(name) && !(type && type->find_field(name))) return name;
    return {};
}

// Sees every key while the text is read: a DOM cannot tell that one stood twice.
class KeyWatch {
public:
    bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
        if (depth > depth_max) too_deep_ = true;
        if (event == Json::parse_event_t::object_start) keys_.emplace_back();
        if (event == Json::parse_event_t::object_end) keys_.pop_back();
        if (event == Json::parse_event_t::key)
            if (const auto& key = parsed.get_ref<const std::string&>(); !keys_.back().insert(key).second) twice_ = key;
        return true;
    }
    Check verdict() const {
        if (too_deep_) return violation(rule, "the event is nested too deeply");
        if (twice_) return violation(rule, "key " + *twice_ + " stands twice");
        return {};
    }

private:
    std::vector<std::set<std::string, std::less<>>> keys_;
    std::optional<std::string> twice_;
    bool too_deep_ = false;
};

// Brackets that nest deeper would cost the reader its stack before it could say no.
bool nests_too_deeply(std::string_view line) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (in_string && c == '\\')
            ++i;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth = depth + 1;
        else if (!in_string && (c == '}' || c == ']'))
            --depth;
        if (depth > depth_max) return true;
    }
    return false;
}

} // namespace

tl::expected<Event, Violation> decode_json(const Json& json, ReaderMode mode) {
    const auto no = [](Check bad) { return tl::unexpected<Violation>(std::move(*bad)); };
    if (!json.is_object()) return no(violation(rule, "an event must be a JSON object"));
    Event event;
    std::size_t seen = 0;
    if (auto bad = read_described(json, event.envelope, "", mode, seen)) return no(std::move(bad));
    const auto& envelope = event.envelope;
    const auto major = contract_version.substr(0, contract_version.find('.') + 1);
    if (mode == ReaderMode::strict ? envelope.contract != contract_version : !envelope.contract.starts_with(major))
        return no(
            refuse("contract", "is \"" + envelope.contract + "\"; this reader knows " + std::string(contract_version)));
    if (auto bad = read_fields(envelope.type, json, event.body, mode, seen)) return no(std::move(bad));
    if (mode == ReaderMode::strict && seen != json.size())
        return no(refuse(unregistered(json, event), "is not registered for " + envelope.type));
    const auto* spec = registry().find_type(envelope.type);
    if (!spec) return event;
    if (envelope.family != spec->about.family) return no(refuse("family", "does not belong to " + envelope.type));
    for (const auto field : spec->about.also)
        if (!json.contains(field))
            return no(refuse(std::string(field), "is missing, and " + envelope.type + " requires it"));
    return event;
}

tl::expected<Event, Violation> decode(std::string_view line, ReaderMode mode) {
    const auto no = [](std::string why) { return tl::unexpected<Violation>(Violation{rule, std::move(why), {}}); };
    if (line.size() + 1 > line_bytes_max) return no("the line is longer than 64 KiB");
    if (line.starts_with("\xef\xbb\xbf")) return no("the line begins with a byte order mark");
    if (line.empty()) return no("the line is empty");
    if (line.front() != '{' || line.back() != '}') return no("the line is no JSON object, or more than one");
    if (nests_too_deeply(line)) return no("the event is nested too deeply");
    KeyWatch watch;
    const auto json = Json::parse(line, std::ref(watch), false);
    if (json.is_discarded()) return no("the line is no JSON");
    if (auto bad = watch.verdict()) return tl::unexpected<Violation>(std::move(*bad));
    return decode_json(json, mode);
}

tl::expected<Body, Violation> decode_fields(std::string_view type, const Json& fields) {
    Body body;
    std::size_t seen = 0;
    auto bad = fields.is_object() ? read_fields(type, fields, body, ReaderMode::strict, seen)
                                  : refuse("fields", "is no object");
    if (!bad && seen != fields.size())
        bad = refuse("fields", "has a member that is not registered for " + std::string(type));
    if (bad) return tl::unexpected<Violation>(std::move(*bad));
    return body;
}

} // namespace castra::contract
