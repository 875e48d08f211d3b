// SPDX-License-Identifier: Apache-2.0
// The C side of a plugin, generated: one thunk a slot, which decodes, calls the author's method and encodes, behind a
// barrier that turns whatever was thrown into a code and the error JSON. Authors never include this.
// Invariant: every function here that C may call is noexcept.
#pragma once
#include "castra/abi/entry.h"
#include "castra/sdk/call.hpp"
#include "castra/sdk/refusal.hpp"

#include <memory>
#include <stdexcept>
#include <string_view>
#include <type_traits>

namespace castra::sdk::detail {

// ---- what create hands out -----------------------------------------------------------------------------------------

// destroy is told no kind, so every instance begins with this.
struct AnyInstance {
    virtual ~AnyInstance() = default;
};
template <class Kind>
struct KindInstance : AnyInstance {
    explicit KindInstance(std::unique_ptr<Kind> made) : object(std::move(made)) {}
    std::unique_ptr<Kind> object;
};

template <class Kind, class First, class... Rest>
std::unique_ptr<Kind> construct(const Json& config) {
    if constexpr (!std::is_base_of_v<Kind, First>)
        return construct<Kind, Rest...>(config);
    else if constexpr (std::is_constructible_v<First, const Json&>)
        return std::unique_ptr<Kind>(new First(config));
    else
        return std::make_unique<First>();
}

// ---- bytes, JSON, answers
// --------------------------------------------------------------------------------------------

inline std::string_view text_of(castra_bytes bytes) {
    return bytes.data ? std::string_view(static_cast<const char*>(bytes.data), bytes.size) : std::string_view();
}

// Empty means {}. Errors: std::invalid_argument.
inline Json parse_object(castra_bytes bytes, const char* what) {
    const auto text = text_of(bytes);
    if (text.empty()) return Json::object();
    auto value = Json::parse(text, nullptr, false);
    if (!value.is_object()) throw std::invalid_argument(std::string(what) + " is not a JSON object");
    return value;
}

inline bool write(const castra_sink* sink, std::string_view text) noexcept {
    return sink == nullptr || sink->write == nullptr || sink->write(sink->self, {text.data(), text.size()}) == 0;
}

inline std::int32_t answer_error(const castra_sink* sink, std::int32_t status, const RefusalText& text) noexcept {
    try {
        Json json;
        to_json(json, text);
        for (const auto* optional : {"detail", "field_path", "hint"})
            if (json[optional] == "") json.erase(optional);
        write(sink, json.dump(-1, ' ', false, Json::error_handler_t::replace));
    } catch (...) {
        write(sink, R"({"code":"internal","title":"the plugin could not describe its error"})");
    }
    return status;
}

// The barrier. Call it in a catch block, for whatever was caught.
inline std::int32_t answer_exception(const castra_sink* sink) noexcept {
    try {
        try {
            throw;
        } catch (const Refusal& refusal) {
            return answer_error(sink, CASTRA_FAILED, refusal.text());
        } catch (const Cancelled& cancelled) {
            return answer_error(sink, CASTRA_CANCELLED, {.code = "cancelled", .title = cancelled.what()});
        } catch (const std::invalid_argument& error) {
            return answer_error(sink, CASTRA_INVALID_REQUEST, {.code = "invalid_request", .title = error.what()});
        } catch (const Json::exception& error) {
            return answer_error(sink, CASTRA_INVALID_REQUEST, {.code = "invalid_request", .title = error.what()});
        } catch (const std::exception& error) {
            return answer_error(sink, CASTRA_INTERNAL,
                                {.code = "internal", .title = "unexpected exception", .detail = error.what()});
        }
    } catch (...) {
        write(sink, R"({"code":"internal","title":"unexpected exception of an unknown type"})");
        return CASTRA_INTERNAL;
    }
}

// ---- one slot ------------------------------------------------------------------------------------------------------

template <class Argument>
decltype(auto) argument(const Json& request, const Call& call) {
    if constexpr (std::is_same_v<Argument, Call>)
        return (call);
    else
        return request.get<Argument>();
}

template <class Kind, class Reply, class... Arguments>
Json invoke(Kind& object, Reply (Kind::*method)(const Arguments&...), const Json& request, const Call& call) {
    if constexpr (std::is_void_v<Reply>) {
        (object.*method)(argument<Arguments>(request, call)...);
        return Json::object();
    } else {
        return (object.*method)(argument<Arguments>(request, call)...);
    }
}

inline std::int32_t answer_reply(const castra_sink* reply, const castra_sink* error, const Json& value) noexcept {
    try {
        if (write(reply, value.dump())) return CASTRA_OK;
        return answer_error(error, CASTRA_INTERNAL,
                            {.code = "reply_refused", .title = "the host did not take the whole reply"});
    } catch (const std::exception& problem) { // text that is not UTF-8
        return answer_error(error, CASTRA_INTERNAL,
                            {.code = "reply_not_json", .title = "the reply is no JSON", .detail = problem.what()});
    }
}

template <class Kind, auto Method>
std::int32_t slot(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,
                  const castra_sink* error) noexcept {
    try {
        auto& object = *static_cast<KindInstance<Kind>*>(static_cast<AnyInstance*>(instance))->object;
        return answer_reply(reply, error, invoke(object, Method, parse_object(request, "request"), Call(call)));
    } catch (...) {
        return answer_exception(error);
    }
}

// ---- tables --------------------------------------------------------------------------------------------------------

template <class Kind>
struct KindTraits; // id, slots; specialised in plugin.hpp

template <class Kind>
inline constexpr castra_interface interface_of{sizeof(castra_interface), std::size(KindTraits<Kind>::slots),
                                               KindTraits<Kind>::slots};

} // namespace castra::sdk::detail
