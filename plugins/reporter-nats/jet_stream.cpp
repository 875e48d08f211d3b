// SPDX-License-Identifier: Apache-2.0
#include "jet_stream.hpp"

#include "castra/sdk/json.hpp"

#include <charconv>
#include <csignal>
#include <nats/nats.h>

namespace castra::nats {
namespace {

using std::chrono::milliseconds;

constexpr int message_exceeds_maximum = 10054; // of the stream: it will never take it

template <auto destroy>
struct Destroy {
    template <class Handle>
    void operator()(Handle* handle) const {
        destroy(handle);
    }
};
using Options = std::unique_ptr<natsOptions, Destroy<natsOptions_Destroy>>;
using Connection = std::unique_ptr<natsConnection, Destroy<natsConnection_Destroy>>;
using Context = std::unique_ptr<jsCtx, Destroy<jsCtx_Destroy>>;
using Subscription = std::unique_ptr<natsSubscription, Destroy<natsSubscription_Destroy>>;
using Incoming = std::unique_ptr<natsMsg, Destroy<natsMsg_Destroy>>;
using StreamInfo = std::unique_ptr<jsStreamInfo, Destroy<jsStreamInfo_Destroy>>;

// Signals belong to the kernel's thread; threads inherit the mask of who starts them.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

std::string text_of(natsStatus status) {
    const char* detail = nats_GetLastError(nullptr);
    std::string text = natsStatus_GetText(status);
    if (detail != nullptr && *detail != '\0' && text != detail) text += std::string(": ") + detail;
    return text;
}

milliseconds wait_of(std::int64_t timeout_ms, const sdk::Call& call) {
    return std::max(milliseconds(1), std::min(milliseconds(timeout_ms), call.remaining()));
}

Options options_of(const Settings& settings, const std::string& server, milliseconds wait, natsStatus& status) {
    natsOptions* raw = nullptr;
    status = natsOptions_Create(&raw);
    Options options(raw);
    const auto set = [&](natsStatus done) {
        if (status == NATS_OK) status = done;
    };
    if (status != NATS_OK) return options;
    set(natsOptions_SetURL(raw, server.c_str()));
    set(natsOptions_SetName(raw, "castra"));
    set(natsOptions_SetTimeout(raw, wait.count()));
    set(natsOptions_SetAllowReconnect(raw, false));
    set(natsOptions_SetIgnoreDiscoveredServers(raw, true));
    if (!settings.user.empty()) set(natsOptions_SetUserInfo(raw, settings.user.c_str(), settings.password.c_str()));
    if (!settings.token.empty()) set(natsOptions_SetToken(raw, settings.token.c_str()));
    if (!settings.credentials.empty())
        set(natsOptions_SetUserCredentialsFromFiles(raw, settings.credentials.c_str(), nullptr));
    if (server.starts_with("tls://")) set(natsOptions_SetSecure(raw, true));
    if (!settings.ca.empty()) set(natsOptions_LoadCATrustedCertificates(raw, settings.ca.c_str()));
    return options;
}

natsStatus add_stream(jsCtx* context, const Settings& settings, jsErrCode& code) {
    const auto subjects = settings.subject + ".>";
    const char* list[] = {subjects.c_str()};
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = settings.stream.c_str();
    config.Description = "Events of castra";
    config.Subjects = list;
    config.SubjectsLen = 1;
    config.MaxBytes = settings.stream_bytes_max;
    config.Duplicates = settings.duplicate_window_secs * 1000000000;
    config.Replicas = settings.replicas;
    return js_AddStream(nullptr, context, &config, nullptr, &code);
}

// Empty: the stream is there.
std::string missing_stream(jsCtx* context, const Settings& settings) {
    jsStreamInfo* raw = nullptr;
    jsErrCode code{};
    auto status = js_GetStreamInfo(&raw, context, settings.stream.c_str(), nullptr, &code);
    const StreamInfo info(raw);
    if (status == NATS_OK) return {};
    if (status == NATS_NO_RESPONDERS || code == JSNotEnabledErr || code == JSNotEnabledForAccountErr)
        return "JetStream is not enabled there (nats-server -js)";
    if (status != NATS_NOT_FOUND) return "stream " + settings.stream + ": " + text_of(status);
    if (!settings.creates_stream) return "there is no stream " + settings.stream;
    status = add_stream(context, settings, code);
    if (status == NATS_OK || code == JSStreamNameExistErr) return {}; // another castra was quicker
    return "make stream " + settings.stream + ": " + text_of(status);
}

struct Answer {
    bool is_stored = false;
    bool is_final = false; // it will never be stored
    std::string problem;
};

Answer answer_in(natsMsg* message) {
    const auto json = sdk::Json::parse(
        std::string_view(natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))), nullptr,
        false);
    if (!json.is_object()) return {false, false, "the server's answer is no JSON object"};
    const auto error = json.find("error");
    if (error == json.end() || !error->is_object()) return {true, false, ""};
    std::string text = "refused";
    std::int64_t code = 0;
    sdk::read_field(*error, "description", text);
    sdk::read_field(*error, "err_code", code);
    return {false, code == message_exceeds_maximum, text};
}

} // namespace

// In the order of destruction, from the last: what it is made of stands above it.
struct JetStream::Handles {
    Connection connection;
    Context context;
    Subscription answers;
    std::string inbox; // "_INBOX.xyz"; message 7 of batch 3 is answered at "_INBOX.xyz.3.7"
    std::string server;
    std::int64_t timeout_ms = 1000;
    std::uint64_t batches = 0;
};

JetStream::JetStream(std::unique_ptr<Handles> handles) : handles_(std::move(handles)) {}
JetStream::~JetStream() = default;

std::unique_ptr<JetStream> JetStream::connect(const Settings& settings, const std::string& server,
                                              const sdk::Call& call, std::string& problem) {
    const SignalsBlocked in_threads_that_start_here;
    const auto wait = wait_of(settings.timeout_ms, call);
    auto made = std::make_unique<Handles>();
    made->server = server;
    made->timeout_ms = settings.timeout_ms;
    natsStatus status = NATS_OK;
    const auto options = options_of(settings, server, wait, status);
    natsConnection* connection = nullptr;
    if (status == NATS_OK) status = natsConnection_Connect(&connection, options.get());
    made->connection.reset(connection);
    jsOptions js{};
    jsOptions_Init(&js);
    js.Wait = wait.count();
    jsCtx* context = nullptr;
    if (status == NATS_OK) status = natsConnection_JetStream(&context, connection, &js);
    made->context.reset(context);
    natsInbox* inbox = nullptr;
    if (status == NATS_OK) status = natsInbox_Create(&inbox);
    if (inbox != nullptr) made->inbox = inbox;
    natsInbox_Destroy(inbox);
    natsSubscription* answers = nullptr;
    if (status == NATS_OK) status = natsConnection_SubscribeSync(&answers, connection, (made->inbox + ".>").c_str());
    made->answers.reset(answers);
    problem = status == NATS_OK ? missing_stream(context, settings) : text_of(status);
    if (problem.empty()) return std::unique_ptr<JetStream>(new JetStream(std::move(made)));
    problem = server + ": " + problem;
    return nullptr;
}

Published JetStream::publish(const std::deque<Message>& queue, std::size_t count, const sdk::Call& call) {
    auto& handles = *handles_;
    const auto inbox = handles.inbox + "." + std::to_string(++handles.batches) + ".";
    const auto until = sdk::Call::Clock::now() + wait_of(handles.timeout_ms, call);
    std::vector<Answer> answers(count);
    Published published;
    std::size_t sent = 0;
    natsStatus status = NATS_OK;
    for (; sent < count; ++sent) {
        const auto& message = queue[sent];
        natsMsg* raw = nullptr;
        status = natsMsg_Create(&raw, message.subject.c_str(), (inbox + std::to_string(sent)).c_str(),
                                message.data.data(), static_cast<int>(message.data.size()));
        const Incoming outgoing(raw);
        if (status == NATS_OK) status = natsMsgHeader_Set(raw, "Nats-Msg-Id", message.id.c_str());
        if (status == NATS_OK) status = natsConnection_PublishMsg(handles.connection.get(), raw);
        if (status == NATS_MAX_PAYLOAD) {
            answers[sent] = {false, true, text_of(status)};
            continue;
        }
        if (status != NATS_OK) break;
    }
    std::size_t open = 0;
    for (std::size_t i = 0; i < sent; ++i)
        open += answers[i].is_final ? 0U : 1U;
    while (open > 0) {
        const auto left = std::chrono::duration_cast<milliseconds>(until - sdk::Call::Clock::now());
        natsMsg* raw = nullptr;
        const auto received =
            natsSubscription_NextMsg(&raw, handles.answers.get(), std::max<std::int64_t>(1, left.count()));
        const Incoming incoming(raw);
        if (received != NATS_OK) {
            status = received;
            break;
        }
        const std::string_view subject = natsMsg_GetSubject(raw);
        std::size_t index = count;
        if (subject.starts_with(inbox))
            std::from_chars(subject.data() + inbox.size(), subject.data() + subject.size(), index);
        if (index >= count) continue; // of a batch that was given up
        answers[index] = answer_in(raw);
        --open;
    }
    // In order: what is behind the first that is not done comes again, and what is stored of it is known again.
    for (; published.done < count; ++published.done) {
        const auto& answer = answers[published.done];
        if (answer.is_stored) continue;
        if (published.problem.empty() && !answer.problem.empty())
            published.problem = handles.server + ": " + answer.problem;
        if (!answer.is_final) break;
        ++published.refused;
    }
    if (published.done < count && published.problem.empty())
        published.problem = handles.server + ": " +
                            (status == NATS_TIMEOUT         ? "no answer in time"
                             : status == NATS_NO_RESPONDERS ? "no stream takes the subject"
                                                            : text_of(status));
    published.is_connected =
        published.done == count || natsConnection_Status(handles.connection.get()) == NATS_CONN_STATUS_CONNECTED;
    return published;
}

} // namespace castra::nats
