// SPDX-License-Identifier: Apache-2.0
#include "plugin/plugin_process.hpp"

#include "plugin/bounded_sink.hpp"
#include "plugin/json_text.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

namespace castra {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr std::chrono::milliseconds answer_wait{2000}; // for a plugin to take the answer of its own host call

int wait_ms(Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left + 1, 0, INT_MAX));
}

void drain(int event_fd) {
    eventfd_t ignored = 0;
    ::eventfd_read(event_fd, &ignored);
}

std::string in_ms(Clock::duration time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
}

} // namespace

PluginProcess::PluginProcess(const PluginOrigin& origin, const PluginPolicy& policy, HostServices& services)
    : origin_(origin), policy_(policy), services_(services), host_(services, origin.manifest.id),
      answered_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      reader_(plugin_reply_bytes_max) {}

Result<std::unique_ptr<PluginProcess>> PluginProcess::start(const PluginOrigin& origin, const PluginPolicy& policy,
                                                            HostServices& services) {
    std::unique_ptr<PluginProcess> process(new PluginProcess(origin, policy, services));
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("make a socket pair");
    process->socket_.reset(ends[0]);
    const UniqueFd theirs(ends[1]);
    ChildRequest request;
    request.program = policy.host_program;
    // The file is told for people who look at ps; what counts comes over the socket.
    request.argv = {"castra-plugin-host", std::to_string(::getpid()), origin.file.string()};
    request.fd = theirs.get();
    auto child = BlockingChild::spawn(request);
    if (!child)
        return fail(ErrorCode::plugin, "start a process for plugin " + origin.manifest.id + ": " + child.error().text,
                    "castra-plugin-host belongs beside castra: install castra again");
    process->child_ = std::move(*child);

    sigset_t all; // signals belong to the kernel's thread
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    process->listener_ = std::thread([&listening = *process] { listening.listen(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    CASTRA_CHECK(process->load());
    return process;
}

Result<> PluginProcess::load() {
    WireMessage message;
    message.kind = WireKind::load;
    message.body = json{{"file", origin_.file.string()},
                        {"manifest_sha256", origin_.manifest.sha256},
                        {"contract", to_string(origin_.contract)}}
                       .dump();
    const auto named = "plugin " + origin_.manifest.id + " (" + origin_.file.string() + ")";
    auto reply = ask(std::move(message), "load", Clock::now() + policy_.limits.load_wait);
    if (!reply) return Failure(reply.error().within(named));
    auto said = parse_json_object(reply->body);
    if (!said) return Failure(said.error().within(named));
    if (reply->status != CASTRA_OK)
        return fail(ErrorCode::plugin, said->value("text", named + " did not load"), said->value("hint", ""));
    interfaces_ = said->value("interfaces", json::object());
    return {};
}

PluginProcess::~PluginProcess() {
    end();
    if (listener_.joinable()) {
        ::eventfd_write(stop_.get(), 1);
        listener_.join();
    }
}

bool PluginProcess::is_alive() const {
    const std::scoped_lock lock(mutex_);
    return !gone_ && !is_ending_;
}

Failure PluginProcess::gone() const {
    const std::scoped_lock lock(mutex_);
    return fail(ErrorCode::plugin, gone_.value_or("its process has been ended"),
                gone_ ? "this is a bug of the plugin; rebuild it" : "");
}

void PluginProcess::wake_caller() {
    ::eventfd_write(answered_.get(), 1);
}

// ---- asking ---------------------------------------------------------------------------------------------------------

Result<PluginProcess::Reply> PluginProcess::ask(WireMessage message, std::string_view doing, Time deadline,
                                                int cancel_fd) {
    const std::scoped_lock one_at_a_time(asking_);
    if (message.body.size() > wire_request_bytes_max)
        return fail(ErrorCode::plugin, "a request of " + std::to_string(message.body.size()) + " bytes is too large");
    {
        const std::scoped_lock lock(mutex_);
        if (!gone_ && !is_ending_) {
            message.id = waiting_for_ = next_id_++;
            doing_ = doing;
            reply_.reset();
            drain(answered_.get());
        }
    }
    if (!is_alive()) return gone();
    const auto began = Clock::now();
    const auto id = message.id;
    {
        const std::scoped_lock lock(writing_);
        const auto written = write_message(socket_.get(), message, deadline + policy_.limits.grace);
        if (!written && written.error().code == ErrorCode::timeout) fault("took no request within its time");
    }
    bool is_cancelled = false, was_told = false; // to give up
    auto until = deadline;
    while (true) {
        if (auto reply = take_reply()) {
            // The plugin gave up at a deadline that its caller knows nothing of.
            if (reply->status == CASTRA_CANCELLED && was_told && !is_cancelled && message.deadline_ns == 0)
                return fail(ErrorCode::plugin, "did not finish within " + in_ms(deadline - began));
            return *std::move(reply);
        }
        if (!is_alive()) return gone();
        if (was_told && Clock::now() >= until) {
            if (is_cancelled)
                fault("did not give up when it was cancelled", false);
            else
                fault("did not answer within " + in_ms(Clock::now() - began));
            continue;
        }
        pollfd asks[2] = {{answered_.get(), POLLIN, 0}, {was_told ? -1 : cancel_fd, POLLIN, 0}};
        if (::poll(asks, 2, wait_ms(until)) < 0) continue;
        drain(answered_.get());
        if (was_told) continue;
        is_cancelled = asks[1].revents != 0;
        if (!is_cancelled && Clock::now() < until) continue;
        was_told = true;
        until = Clock::now() + policy_.limits.grace;
        WireMessage cancel;
        cancel.kind = WireKind::cancel;
        cancel.id = id;
        const std::scoped_lock lock(writing_);
        (void)write_message(socket_.get(), cancel, until);
    }
}

std::optional<PluginProcess::Reply> PluginProcess::take_reply() {
    const std::scoped_lock lock(mutex_);
    if (!reply_) return std::nullopt;
    waiting_for_ = 0;
    doing_.clear();
    return std::exchange(reply_, std::nullopt);
}

void PluginProcess::fault(const std::string& reason, bool lock_up) {
    const std::scoped_lock first(faulting_);
    std::string doing;
    {
        const std::scoped_lock lock(mutex_);
        if (gone_ || is_ending_) return;
        doing = doing_;
    }
    const auto ended = child_->end(policy_.limits.grace);
    const auto text = reason + (reason.find(ended) == std::string::npos ? " and was ended" : "");
    services_.fault(origin_.manifest.id, text + (doing.empty() ? "" : " (in " + doing + ")"));
    if (lock_up) {
        const auto put = PluginQuarantine(policy_.quarantine_dir)
                             .put({origin_.manifest.id, origin_.file.string(), origin_.sha256,
                                   text + (doing.empty() ? "" : " (in " + doing + ")"), services_.now().unix_us});
        if (!put) services_.log(origin_.manifest.id, PluginLogLevel::error, "put into quarantine: " + put.error().text);
    }
    {
        const std::scoped_lock lock(mutex_);
        gone_ = text;
    }
    wake_caller();
}

void PluginProcess::end() {
    {
        const std::scoped_lock lock(mutex_);
        if (is_ending_) return;
        is_ending_ = true;
    }
    wake_caller();
    if (!child_) return;
    // The end of the stream tells it to go; a grandchild that holds a copy of the socket must not keep it.
    ::shutdown(socket_.get(), SHUT_RDWR);
    if (!child_->wait(Clock::now() + policy_.limits.grace)) child_->end(policy_.limits.grace);
}

// ---- listening ------------------------------------------------------------------------------------------------------

void PluginProcess::listen() {
    bool is_open = true;
    while (true) {
        pollfd asks[3] = {
            {is_open ? socket_.get() : -1, POLLIN, 0}, {child_->pidfd(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
        if (!is_alive()) asks[0].fd = asks[1].fd = -1; // nothing left to hear; stays until it is told to stop
        if (::poll(asks, 3, -1) < 0) continue;
        if (asks[2].revents != 0) return;
        if (asks[0].revents != 0) is_open = read_some();
        // Not the end of the stream: a grandchild may hold that open for ever, or have closed it while it lives.
        if (asks[1].revents != 0) {
            while (is_open && is_alive()) { // what it said before it ended
                pollfd rest{socket_.get(), POLLIN, 0};
                if (::poll(&rest, 1, 0) <= 0) break;
                is_open = read_some();
            }
            const auto ended = child_->wait(Clock::now() + policy_.limits.grace).value_or("an unknown end");
            fault(ended.starts_with("exit") ? "ended itself with " + ended : "was ended by " + ended);
        } else if (!is_open && is_alive()) {
            // Its end follows at once, unless it closed the socket and lives.
            if (!child_->wait(Clock::now() + policy_.limits.grace)) fault("closed its connection to castra");
        }
    }
}

bool PluginProcess::read_some() {
    std::array<char, 65536> block; // NOLINT: filled before it is read
    const auto count = ::recv(socket_.get(), block.data(), block.size(), MSG_DONTWAIT);
    if (count < 0) return errno == EINTR || errno == EAGAIN;
    if (count == 0) return false;
    reader_.add({block.data(), static_cast<std::size_t>(count)});
    while (true) {
        auto message = reader_.next();
        if (!message) {
            fault(message.error().text);
            return false;
        }
        if (!*message) return true;
        hear(std::move(**message));
    }
}

void PluginProcess::hear(WireMessage message) {
    if (message.kind == WireKind::host_call) {
        auto answer = serve(message);
        const std::scoped_lock lock(writing_);
        const auto written = write_message(socket_.get(), answer, Clock::now() + answer_wait);
        if (!written && written.error().code == ErrorCode::timeout) fault("calls castra and takes no answer");
        return;
    }
    bool is_expected = message.kind == WireKind::answer;
    if (is_expected) {
        const std::scoped_lock lock(mutex_);
        is_expected = message.id == waiting_for_ && !reply_;
        if (is_expected) reply_ = Reply{message.status, message.is_over, std::move(message.body)};
        // One that comes after its caller has gone is no offence.
        if (!is_expected && message.id != 0 && message.id < next_id_) return;
    }
    if (is_expected)
        wake_caller();
    else
        fault("sent an answer that nobody had asked for");
}

// A plugin that logs or emits without end must not fill our memory.
bool PluginProcess::may_serve(std::uint16_t slot) {
    if (slot != CASTRA_HOST_LOG && slot != CASTRA_HOST_EMIT) return true;
    const auto now = Clock::now();
    if (now - window_began_ >= std::chrono::seconds(1)) {
        window_began_ = now;
        window_calls_ = 0;
        if (dropped_ > 0)
            services_.log(origin_.manifest.id, PluginLogLevel::warn,
                          std::to_string(dropped_) + " log lines and events were dropped: at most " +
                              std::to_string(policy_.limits.host_calls_per_second_max) + " a second are taken");
        dropped_ = 0;
    }
    if (++window_calls_ <= policy_.limits.host_calls_per_second_max) return true;
    ++dropped_;
    return false;
}

WireMessage PluginProcess::serve(const WireMessage& call) {
    WireMessage answer;
    answer.kind = WireKind::host_answer;
    answer.id = call.id;
    const bool is_secret = call.slot >= wire_secrets;
    const auto* interface =
        host_.c_table()->find_interface(host_.c_table(), is_secret ? CASTRA_SECRETS_V1 : CASTRA_HOST_V1);
    const std::uint32_t slot = is_secret ? call.slot - wire_secrets : call.slot;
    if (slot >= interface->slot_count) {
        answer.status = CASTRA_UNSUPPORTED;
        return answer;
    }
    if (!may_serve(call.slot)) {
        if (call.slot == CASTRA_HOST_EMIT) {
            answer.status = CASTRA_FAILED;
            answer.body = json{{"code", "too_many"},
                               {"title", "more than " + std::to_string(policy_.limits.host_calls_per_second_max) +
                                             " events and log lines a second"}}
                              .dump();
        }
        return answer;
    }
    BoundedSink reply(plugin_reply_bytes_max), error(plugin_error_bytes_max);
    const auto reply_sink = reply.c_sink(), error_sink = error.c_sink();
    const castra_call context{sizeof(castra_call), 0, call.id, 0, -1, 0};
    answer.status = interface->slots[slot](host_.c_table()->self, &context, {call.body.data(), call.body.size()},
                                           &reply_sink, &error_sink);
    answer.body = answer.status == CASTRA_OK ? reply.text() : error.text();
    return answer;
}

} // namespace castra
