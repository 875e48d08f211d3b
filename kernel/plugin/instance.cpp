// SPDX-License-Identifier: Apache-2.0
#include "plugin/instance.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "plugin/json_text.hpp"

#include <array>
#include <poll.h>
#include <utility>

namespace castra {
namespace {

using nlohmann::json;

std::string text_field(const json& from, const char* key) {
    const auto found = from.find(key);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const char* status_name(std::int32_t status) {
    switch (status) {
    case CASTRA_FAILED:
        return "failed";
    case CASTRA_INVALID_REQUEST:
        return "does not understand the request";
    case CASTRA_UNSUPPORTED:
        return "does not support this";
    case CASTRA_CANCELLED:
        return "was cancelled";
    case CASTRA_INTERNAL:
        return "had an internal error";
    default:
        return "answered with an unknown status";
    }
}

// {code, title, detail?, field_path?, hint?} in our words. An error that says nothing is still an error.
Error error_of(std::int32_t status, const std::string& said) {
    Error error{ErrorCode::plugin, status_name(status), {}};
    if (status < CASTRA_OK || status > CASTRA_INTERNAL) error.text += " " + std::to_string(status);
    const auto parsed = parse_json_object(said);
    if (!parsed) {
        if (!said.empty()) error.text += ", and its error is " + parsed.error().text;
        return error;
    }
    // A refusal speaks for itself; the other answers are bugs of somebody and say so.
    if (const auto title = text_field(*parsed, "title"); !title.empty())
        error.text = status == CASTRA_FAILED ? title : error.text + ": " + title;
    if (const auto detail = text_field(*parsed, "detail"); !detail.empty()) error.text += ": " + detail;
    if (const auto path = text_field(*parsed, "field_path"); !path.empty()) error.text += " (at " + path + ")";
    error.hint = text_field(*parsed, "hint");
    return error;
}

bool is_readable(int fd) {
    pollfd poll_fd{fd, POLLIN, 0};
    return fd >= 0 && ::poll(&poll_fd, 1, 0) > 0;
}

} // namespace

std::string PluginInstance::slot_name(std::uint32_t slot) const {
    static constexpr std::array launcher{"requirements", "plan", "explain_exit"};
    static constexpr std::array step{"plan", "apply", "verify"};
    static constexpr std::array reporter{"open", "events", "flush", "close"};
    if (kind_ == CASTRA_LAUNCHER_V1 && slot < launcher.size()) return launcher.at(slot);
    if (kind_ == CASTRA_BROKER_LAUNCHER_V1 && slot == CASTRA_BROKER_LAUNCHER_PLAN) return "plan";
    if (kind_ == CASTRA_BOOTSTRAP_STEP_V1 && slot < step.size()) return step.at(slot);
    if (kind_ == CASTRA_REPORTER_V1 && slot < reporter.size()) return reporter.at(slot);
    return "slot " + std::to_string(slot);
}

Result<PluginInstance> PluginInstance::create(std::shared_ptr<const Plugin> plugin, const std::string& kind,
                                              const json& config) {
    PluginInstance made;
    made.plugin_ = plugin->manifest().id;
    made.kind_ = kind;
    made.code_ = std::move(plugin);
    made.interface_ = made.code_->find_interface(kind);
    if (made.interface_ == nullptr) {
        std::string kinds;
        for (const auto& other : made.code_->manifest().kinds)
            kinds += (kinds.empty() ? "" : ", ") + other;
        return fail(ErrorCode::plugin, "plugin " + made.plugin_ + " is no " + kind, "it provides " + kinds);
    }
    const auto text = config.dump(-1, ' ', false, json::error_handler_t::replace);
    BoundedSink error(plugin_error_bytes_max);
    const auto error_sink = error.c_sink();
    const auto status = made.code_->create(kind, {text.data(), text.size()}, &error_sink, &made.instance_);
    if (status != CASTRA_OK) {
        made.instance_ = nullptr; // whatever it wrote there, it did not make it
        return Failure(error_of(status, error.text()).within("plugin " + made.plugin_ + ", create"));
    }
    if (made.instance_ == nullptr)
        return fail(ErrorCode::plugin, "plugin " + made.plugin_ + ", create: answered success without an instance");
    return made;
}

Result<json> PluginInstance::call(std::uint32_t slot, const json& request, const CallOptions& options) {
    const auto doing = "plugin " + plugin_ + ", " + slot_name(slot);
    refused_field_.clear();
    if (slot >= interface_->slot_count || interface_->slots[slot] == nullptr)
        return fail(ErrorCode::plugin, doing + ": it has no such slot");
    castra_call context{sizeof(castra_call), 0, ++calls_, 0, options.cancel_fd, 0};
    if (options.deadline)
        context.deadline_ns =
            std::chrono::duration_cast<std::chrono::nanoseconds>(options.deadline->time_since_epoch()).count();

    const auto text = request.dump(-1, ' ', false, json::error_handler_t::replace);
    BoundedSink reply(plugin_reply_bytes_max), error(plugin_error_bytes_max);
    const auto reply_sink = reply.c_sink(), error_sink = error.c_sink();
    const auto status =
        interface_->slots[slot](instance_, &context, {text.data(), text.size()}, &reply_sink, &error_sink);

    if (reply.is_over())
        return fail(ErrorCode::plugin,
                    doing + ": replied more than " + std::to_string(plugin_reply_bytes_max / 1024 / 1024) + " MiB");
    if (status != CASTRA_OK) {
        auto failed = error_of(status, error.text());
        if (const auto said = parse_json_object(error.text())) refused_field_ = text_field(*said, "field_path");
        if (status == CASTRA_CANCELLED)
            failed.code =
                options.deadline && !is_readable(options.cancel_fd) ? ErrorCode::timeout : ErrorCode::cancelled;
        return Failure(failed.within(doing));
    }
    if (reply.text().empty()) return json::object();
    auto parsed = parse_json_object(reply.text());
    if (!parsed) return Failure(parsed.error().within(doing + ": its reply"));
    return parsed;
}

PluginInstance::PluginInstance(PluginInstance&& other) noexcept {
    *this = std::move(other);
}

PluginInstance& PluginInstance::operator=(PluginInstance&& other) noexcept {
    std::swap(plugin_, other.plugin_);
    std::swap(kind_, other.kind_);
    std::swap(refused_field_, other.refused_field_);
    std::swap(code_, other.code_);
    std::swap(interface_, other.interface_);
    std::swap(instance_, other.instance_);
    std::swap(calls_, other.calls_);
    return *this;
}

PluginInstance::~PluginInstance() {
    if (instance_ != nullptr) code_->destroy(instance_);
}

} // namespace castra
