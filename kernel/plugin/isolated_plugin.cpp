// SPDX-License-Identifier: Apache-2.0
#include "plugin/isolated_plugin.hpp"

#include "castra/abi/reporter.h"
#include "plugin/bounded_sink.hpp"

#include <algorithm>
#include <utility>

namespace castra {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr std::size_t slots_max = 64;

// What create hands out: the plugin's instance, seen from here.
struct RemoteInstance {
    std::unique_ptr<PluginProcess> process;
    std::chrono::milliseconds wait;
};

void write_error(const castra_sink* sink, const json& said) {
    if (sink == nullptr || sink->write == nullptr) return;
    const auto text = said.dump(-1, ' ', false, json::error_handler_t::replace);
    sink->write(sink->self, {text.data(), text.size()});
}

std::int32_t answer(const Result<PluginProcess::Reply>& reply, const castra_sink* out, const castra_sink* error) {
    if (!reply) {
        write_error(error, {{"code", "gone"}, {"title", reply.error().text}, {"hint", reply.error().hint}});
        return CASTRA_FAILED;
    }
    if (reply->is_over) {
        write_error(error,
                    {{"code", "too_much"},
                     {"title", "replied more than " + std::to_string(plugin_reply_bytes_max / 1024 / 1024) + " MiB"}});
        return CASTRA_FAILED;
    }
    const auto* sink = reply->status == CASTRA_OK ? out : error;
    if (sink != nullptr && sink->write != nullptr && !reply->body.empty() &&
        sink->write(sink->self, {reply->body.data(), reply->body.size()}) != 0 && reply->status == CASTRA_OK) {
        write_error(error, {{"code", "reply_refused"}, {"title", "the host did not take the whole reply"}});
        return CASTRA_INTERNAL;
    }
    return reply->status;
}

// The proxy of slot Number, of any interface.
template <std::size_t Number>
std::int32_t remote_slot(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,
                         const castra_sink* error) noexcept {
    try {
        auto& remote = *static_cast<RemoteInstance*>(instance);
        WireMessage message;
        message.kind = WireKind::call;
        message.slot = static_cast<std::uint16_t>(Number);
        message.deadline_ns = call != nullptr ? call->deadline_ns : 0;
        if (request.data != nullptr) message.body.assign(static_cast<const char*>(request.data), request.size);
        const auto deadline = message.deadline_ns != 0
                                  ? Clock::time_point(std::chrono::nanoseconds(message.deadline_ns))
                                  : Clock::now() + remote.wait;
        return answer(remote.process->ask(std::move(message), "slot " + std::to_string(Number), deadline,
                                          call != nullptr ? call->cancel_fd : -1),
                      reply, error);
    } catch (...) { // no memory
        return CASTRA_INTERNAL;
    }
}

template <std::size_t... Numbers>
constexpr std::array<castra_slot, sizeof...(Numbers)> all_slots(std::index_sequence<Numbers...>) {
    return {remote_slot<Numbers>...};
}
constexpr auto remote_slots = all_slots(std::make_index_sequence<slots_max>());

} // namespace

IsolatedPlugin::IsolatedPlugin(PluginOrigin origin, PluginPolicy policy, HostServices& services)
    : origin_(std::move(origin)), policy_(std::move(policy)), services_(services) {}

IsolatedPlugin::~IsolatedPlugin() = default;

Result<> IsolatedPlugin::load() {
    CASTRA_TRY(process, PluginProcess::start(origin_, policy_, services_));
    for (const auto& entry : process->interfaces().items()) {
        if (!entry.value().is_array() || entry.value().size() > slots_max) continue;
        auto& table = tables_[entry.key()];
        for (std::size_t i = 0; i < entry.value().size(); ++i)
            table.slots.push_back(entry.value()[i] == json(true) ? remote_slots.at(i) : nullptr);
        table.interface = {sizeof(castra_interface), static_cast<std::uint32_t>(table.slots.size()),
                           table.slots.data()};
    }
    for (const auto& kind : origin_.manifest.kinds)
        if (!tables_.contains(kind))
            return fail(ErrorCode::plugin, "plugin " + origin_.manifest.id + " (" + origin_.file.string() +
                                               "): its process did not answer for " + kind);
    spare_ = std::move(process);
    return {};
}

const castra_interface* IsolatedPlugin::find_interface(const std::string& kind) const {
    const auto found = tables_.find(kind);
    return found == tables_.end() ? nullptr : &found->second.interface;
}

std::int32_t IsolatedPlugin::create(const std::string& kind, castra_bytes config, const castra_sink* error,
                                    void** instance) const {
    *instance = nullptr;
    std::unique_ptr<PluginProcess> process;
    {
        const std::scoped_lock lock(mutex_);
        process = std::exchange(spare_, nullptr);
    }
    if (!process || !process->is_alive()) {
        auto started = PluginProcess::start(origin_, policy_, services_);
        if (!started) {
            write_error(error, {{"code", "gone"}, {"title", started.error().text}, {"hint", started.error().hint}});
            return CASTRA_FAILED;
        }
        process = std::move(*started);
    }
    WireMessage message;
    message.kind = WireKind::create;
    message.body = kind;
    message.body.push_back('\0');
    message.body.append(static_cast<const char*>(config.data), config.size);
    const auto status =
        answer(process->ask(std::move(message), "create", Clock::now() + policy_.limits.call_wait), nullptr, error);
    if (status != CASTRA_OK) return status; // the process goes; what its constructor left there goes with it
    const std::scoped_lock lock(mutex_);
    used_.push_back(process.get());
    *instance = new RemoteInstance{std::move(process),
                                   kind == CASTRA_REPORTER_V1 ? policy_.limits.report_wait : policy_.limits.call_wait};
    return CASTRA_OK;
}

void IsolatedPlugin::destroy(void* instance) const {
    const std::unique_ptr<RemoteInstance> remote(static_cast<RemoteInstance*>(instance));
    if (!remote) return;
    {
        const std::scoped_lock lock(mutex_);
        std::erase(used_, remote->process.get());
    }
    WireMessage message;
    message.kind = WireKind::destroy;
    if (remote->process->is_alive())
        (void)remote->process->ask(std::move(message), "destroy", Clock::now() + policy_.limits.destroy_wait);
}

void IsolatedPlugin::end_all() const {
    const std::scoped_lock lock(mutex_);
    spare_.reset();
    for (auto* process : used_)
        process->end();
}

} // namespace castra
