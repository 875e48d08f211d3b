// SPDX-License-Identifier: Apache-2.0
#include "plugin_host/served_plugin.hpp"

#include "plugin/bounded_sink.hpp"
#include "plugin/json_text.hpp"

#include <array>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace castra {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds write_wait{60}; // castra reads at once, or is gone

// Without atexit handlers and destructors: the plugin has been told everything it is told.
[[noreturn]] void leave(int code) {
    ::_exit(code);
}

ContractVersion contract_of(const std::string& text) {
    ContractVersion version;
    const auto* end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, version.major);
    if (major.ptr != end) std::from_chars(major.ptr + 1, end, version.minor);
    return version;
}

WireMessage answer_to(const WireMessage& message, std::int32_t status, std::string body = {}) {
    WireMessage answer;
    answer.kind = WireKind::answer;
    answer.id = message.id;
    answer.status = status;
    answer.body = std::move(body);
    return answer;
}

std::string text_of(const Error& error) {
    return json{{"text", error.text}, {"hint", error.hint}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace

ServedPlugin::ServedPlugin(UniqueFd socket, UniqueFd parent)
    : socket_(std::move(socket)), parent_(std::move(parent)), cancel_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void ServedPlugin::serve() {
    sigset_t all; // a plugin's signals belong to its own threads
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([this] { listen(); }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    while (true) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !work_.empty(); });
        const auto message = std::move(work_.front());
        work_.pop_front();
        running_ = message.id;
        eventfd_t ignored = 0;
        ::eventfd_read(cancel_.get(), &ignored);
        if (cancelled_id_ == message.id) ::eventfd_write(cancel_.get(), 1);
        lock.unlock();
        const auto answered = answer(message);
        lock.lock();
        running_ = 0;
        lock.unlock();
        send(answered);
    }
}

// ---- the listening thread -------------------------------------------------------------------------------------------

void ServedPlugin::listen() {
    WireReader reader(wire_request_bytes_max);
    std::array<char, 65536> block; // NOLINT: filled before it is read
    while (true) {
        pollfd asks[2] = {{socket_.get(), POLLIN, 0}, {parent_.get(), POLLIN, 0}};
        if (::poll(asks, 2, -1) < 0) continue;
        if (asks[1].revents != 0) leave(0);
        const auto count = ::recv(socket_.get(), block.data(), block.size(), MSG_DONTWAIT);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count <= 0) leave(0);
        reader.add({block.data(), static_cast<std::size_t>(count)});
        while (true) {
            auto message = reader.next();
            if (!message) leave(1);
            if (!*message) break;
            hear(std::move(**message));
        }
    }
}

void ServedPlugin::hear(WireMessage message) {
    const std::scoped_lock lock(mutex_);
    if (message.kind == WireKind::host_answer) {
        host_answers_.emplace(message.id, std::move(message));
    } else if (message.kind == WireKind::cancel) {
        cancelled_id_ = message.id;
        if (running_ == message.id) ::eventfd_write(cancel_.get(), 1);
    } else {
        work_.push_back(std::move(message));
    }
    changed_.notify_all();
}

void ServedPlugin::send(const WireMessage& message) {
    const std::scoped_lock lock(writing_);
    if (!write_message(socket_.get(), message, std::chrono::steady_clock::now() + write_wait)) leave(0);
}

// ---- the plugin's thread --------------------------------------------------------------------------------------------

WireMessage ServedPlugin::answer(const WireMessage& message) {
    switch (message.kind) {
    case WireKind::load:
        return load(message);
    case WireKind::create:
        return create(message);
    case WireKind::call:
        return call(message);
    case WireKind::destroy:
        if (instance_ != nullptr) library_->destroy(std::exchange(instance_, nullptr));
        return answer_to(message, CASTRA_OK);
    default:
        return answer_to(message, CASTRA_UNSUPPORTED);
    }
}

WireMessage ServedPlugin::load(const WireMessage& message) {
    const auto request = parse_json_object(message.body);
    if (!request || library_) return answer_to(message, CASTRA_INVALID_REQUEST);
    const std::filesystem::path file = request->value("file", "");
    const auto loaded = [&]() -> Result<> {
        CASTRA_TRY(manifest, read_manifest(file));
        if (manifest.sha256 != request->value("manifest_sha256", ""))
            return fail(ErrorCode::plugin, "plugin " + manifest.id + " (" + file.string() + "): changed meanwhile");
        library_ = std::make_unique<PluginLibrary>(file, std::move(manifest), *this);
        return library_->load(contract_of(request->value("contract", "1.0")), Isolation::process);
    }();
    if (!loaded) return answer_to(message, CASTRA_FAILED, text_of(loaded.error()));
    json interfaces = json::object();
    for (const auto& kind : library_->manifest().kinds) {
        const auto* interface = library_->find_interface(kind);
        for (std::uint32_t i = 0; i < interface->slot_count; ++i)
            interfaces[kind].push_back(interface->slots[i] != nullptr);
    }
    return answer_to(message, CASTRA_OK, json{{"interfaces", std::move(interfaces)}}.dump());
}

WireMessage ServedPlugin::create(const WireMessage& message) {
    const auto end = message.body.find('\0');
    if (!library_ || instance_ != nullptr || end == std::string::npos)
        return answer_to(message, CASTRA_INVALID_REQUEST);
    const auto kind = message.body.substr(0, end);
    const auto config = std::string_view(message.body).substr(end + 1);
    interface_ = library_->find_interface(kind);
    if (interface_ == nullptr) return answer_to(message, CASTRA_UNSUPPORTED);
    BoundedSink error(plugin_error_bytes_max);
    const auto sink = error.c_sink();
    const auto status = library_->create(kind, {config.data(), config.size()}, &sink, &instance_);
    if (status != CASTRA_OK) instance_ = nullptr;
    if (status == CASTRA_OK && instance_ == nullptr)
        return answer_to(message, CASTRA_FAILED, R"({"code":"none","title":"answered success without an instance"})");
    return answer_to(message, status, error.text());
}

WireMessage ServedPlugin::call(const WireMessage& message) {
    if (instance_ == nullptr || message.slot >= interface_->slot_count || interface_->slots[message.slot] == nullptr)
        return answer_to(message, CASTRA_UNSUPPORTED);
    const castra_call context{sizeof(castra_call), 0, message.id, message.deadline_ns, cancel_.get(), 0};
    BoundedSink reply(plugin_reply_bytes_max), error(plugin_error_bytes_max);
    const auto reply_sink = reply.c_sink(), error_sink = error.c_sink();
    const auto status = interface_->slots[message.slot](instance_, &context, {message.body.data(), message.body.size()},
                                                        &reply_sink, &error_sink);
    auto answer = answer_to(message, status);
    answer.is_over = reply.is_over();
    if (!answer.is_over) answer.body = status == CASTRA_OK ? reply.text() : error.text();
    return answer;
}

// ---- host functions -------------------------------------------------------------------------------------------------

WireMessage ServedPlugin::ask_castra(std::uint16_t slot, const json& request) {
    WireMessage message;
    message.kind = WireKind::host_call;
    message.slot = slot;
    message.body = request.dump(-1, ' ', false, json::error_handler_t::replace);
    {
        const std::scoped_lock lock(mutex_);
        message.id = next_host_call_++;
    }
    send(message);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return host_answers_.contains(message.id); });
    return std::move(host_answers_.extract(message.id).mapped());
}

void ServedPlugin::log(std::string_view, PluginLogLevel level, std::string_view text) {
    constexpr std::array names{"debug", "info", "warn", "error"};
    ask_castra(CASTRA_HOST_LOG, {{"level", names.at(static_cast<std::size_t>(level))}, {"text", text}});
}

Result<> ServedPlugin::emit(std::string_view, const json& event) {
    const auto answer = ask_castra(CASTRA_HOST_EMIT, event);
    if (answer.status == CASTRA_OK) return {};
    return refusal(answer, "castra refused the event");
}

Failure ServedPlugin::refusal(const WireMessage& answer, const char* otherwise) {
    const auto said = parse_json_object(answer.body);
    if (!said) return fail(ErrorCode::plugin, otherwise);
    return fail(ErrorCode::plugin, said->value("title", ""), said->value("hint", ""));
}

Result<Secret> ServedPlugin::secret(std::string_view, const std::string& name) {
    const auto answer = ask_castra(wire_secrets + CASTRA_SECRETS_READ, {{"name", name}});
    if (answer.status != CASTRA_OK) return refusal(answer, "castra refused the secret");
    CASTRA_TRY(said, parse_json_object(answer.body));
    return Secret(said.value("value", ""));
}

PluginHostTime ServedPlugin::now() {
    const auto said = parse_json_object(ask_castra(CASTRA_HOST_NOW, json::object()).body);
    if (!said) return {};
    return {said->value("unix_us", std::int64_t{0}), said->value("monotonic_ns", std::int64_t{0})};
}

bool ServedPlugin::cancelled() {
    const auto said = parse_json_object(ask_castra(CASTRA_HOST_CANCELLED, json::object()).body);
    return said && said->value("cancelled", false);
}

} // namespace castra
