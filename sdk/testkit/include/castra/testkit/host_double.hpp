// SPDX-License-Identifier: Apache-2.0
// HostDouble: what castra offers a plugin, for a test: keeps what the plugin says, and answers what the test decides.
// A plugin keeps the address of its host for ever, and so does this process its plugin: let it live as long as the test
// program.
// Thread: its slots may be called from any thread; read what it kept between calls.
#pragma once
#include "castra/abi/host.h"
#include "castra/sdk/json.hpp"
#include "castra/sdk/refusal.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace castra::testkit {

using sdk::Json;

struct LogLine {
    std::string level, text;
};

class HostDouble {
public:
    HostDouble() = default;
    HostDouble(const HostDouble&) = delete;
    HostDouble& operator=(const HostDouble&) = delete;

    // ---- what the plugin did
    std::vector<LogLine> logged() const { return locked(logged_); }
    std::vector<Json> emitted() const { return locked(emitted_); } // {type, message, severity, ...}, also refused ones
    bool has_logged(std::string_view words) const {
        for (const auto& line : logged())
            if (line.text.find(words) != std::string::npos) return true;
        return false;
    }
    void forget() {
        const std::scoped_lock lock(mutex_);
        logged_.clear();
        emitted_.clear();
    }

    // ---- what the plugin is told
    std::atomic<std::int64_t> unix_us{1'700'000'000'000'000}, monotonic_ns{1'000'000'000};
    std::atomic<bool> cancelled{false};
    // castra refuses an event that breaks a rule, or that a plugin of this kind may not emit. Empty title: taken.
    std::function<sdk::RefusalText(const Json& event)> judge;

    std::map<std::string, std::string> secrets; // what this plugin may read; fill it before the plugin asks

    const castra_host* table() const { return &table_; }

private:
    template <class T>
    T locked(const T& kept) const {
        const std::scoped_lock lock(mutex_);
        return kept;
    }

    static std::int32_t answer(const castra_sink* sink, const Json& value, std::int32_t status) {
        const auto text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
        return sink->write(sink->self, {text.data(), text.size()}) == 0 ? status : CASTRA_INTERNAL;
    }
    static HostDouble& of(void* self) { return *static_cast<HostDouble*>(self); }
    static Json read(castra_bytes request) {
        return Json::parse(std::string_view(static_cast<const char*>(request.data), request.size), nullptr, false);
    }
    static std::int32_t refuse(const castra_sink* error, const char* title) {
        return answer(error, {{"code", "invalid_request"}, {"title", title}}, CASTRA_INVALID_REQUEST);
    }

    static std::int32_t log(void* self, const castra_call*, castra_bytes bytes, const castra_sink* reply,
                            const castra_sink* error) {
        const auto request = read(bytes);
        if (!request.is_object() || !request.contains("text")) return refuse(error, "a log line has level and text");
        const std::scoped_lock lock(of(self).mutex_);
        of(self).logged_.push_back({request.value("level", "info"), request.value("text", "")});
        return answer(reply, Json::object(), CASTRA_OK);
    }
    static std::int32_t emit(void* self, const castra_call*, castra_bytes bytes, const castra_sink* reply,
                             const castra_sink* error) {
        const auto event = read(bytes);
        if (!event.is_object() || !event.contains("type") || !event.contains("message"))
            return refuse(error, "an event has type and message");
        const auto verdict = of(self).judge ? of(self).judge(event) : sdk::RefusalText{};
        {
            const std::scoped_lock lock(of(self).mutex_);
            of(self).emitted_.push_back(event);
        }
        if (!verdict.title.empty()) return answer(error, verdict, CASTRA_FAILED);
        return answer(reply, Json::object(), CASTRA_OK);
    }
    static std::int32_t now(void* self, const castra_call*, castra_bytes, const castra_sink* reply,
                            const castra_sink*) {
        return answer(reply, {{"unix_us", of(self).unix_us.load()}, {"monotonic_ns", of(self).monotonic_ns.load()}},
                      CASTRA_OK);
    }
    static std::int32_t is_cancelled(void* self, const castra_call*, castra_bytes, const castra_sink* reply,
                                     const castra_sink*) {
        return answer(reply, {{"cancelled", of(self).cancelled.load()}}, CASTRA_OK);
    }

    static std::int32_t secret(void* self, const castra_call*, castra_bytes bytes, const castra_sink* reply,
                               const castra_sink* error) {
        const auto request = read(bytes);
        if (!request.is_object() || !request.contains("name")) return refuse(error, "a secret has a name");
        const auto found = of(self).secrets.find(request.value("name", ""));
        if (found == of(self).secrets.end())
            return answer(error, {{"code", "refused"}, {"title", "no such secret for this plugin"}}, CASTRA_FAILED);
        return answer(reply, {{"value", found->second}}, CASTRA_OK);
    }

    static const castra_interface* find(const castra_host*, const char* id) {
        static constexpr castra_slot slots[CASTRA_HOST_SLOTS] = {log, emit, now, is_cancelled};
        static constexpr castra_interface interface { sizeof(castra_interface), CASTRA_HOST_SLOTS, slots };
        static constexpr castra_slot secret_slots[CASTRA_SECRETS_SLOTS] = {secret};
        static constexpr castra_interface secret_interface{sizeof(castra_interface), CASTRA_SECRETS_SLOTS,
                                                           secret_slots};
        if (std::string_view(id) == CASTRA_HOST_V1) return &interface;
        return std::string_view(id) == CASTRA_SECRETS_V1 ? &secret_interface : nullptr;
    }

    castra_host table_{sizeof(castra_host), CASTRA_ABI_MAJOR, CASTRA_ABI_MINOR, this, find};
    mutable std::mutex mutex_;
    std::vector<LogLine> logged_;
    std::vector<Json> emitted_;
};

} // namespace castra::testkit
