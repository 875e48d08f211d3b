// SPDX-License-Identifier: Apache-2.0
#include "broker/host_client.hpp"

#include <algorithm>

namespace castra::broker {
namespace {

constexpr std::size_t greeting_bytes_max = 256;

Failure hung_up() {
    return fail(ErrorCode::io, "the broker closed the connection", "castra status says whether it runs");
}

} // namespace

Task<Result<HostClient>> HostClient::look(Host& host, std::filesystem::path socket) {
    auto connected = co_await host.connect_unix(socket);
    if (!connected)
        co_return fail(ErrorCode::not_found, "no broker runs: " + connected.error().text,
                       "set [broker] launcher = \"process\", then castra up");
    HostClient client(std::move(*connected));
    CASTRA_CO_TRY(greeting, co_await client.stream_.read_line(greeting_bytes_max));
    if (!greeting) co_return hung_up();
    if (!greeting->starts_with(greeting_word))
        co_return fail(ErrorCode::protocol, "what listens on " + socket.string() + " is no broker");
    const auto nonce = greeting->substr(greeting_word.size());
    CASTRA_CO_CHECK(co_await client.stream_.write(std::string(sync_word) + nonce + "\n"));
    co_return client;
}

Task<Result<HostClient>> HostClient::connect(Host& host, std::filesystem::path socket) {
    CASTRA_CO_TRY(client, co_await look(host, std::move(socket)));
    const json hello{{"type", "hello"}, {"version", protocol_version}, {"role", "host"}};
    CASTRA_CO_TRY(welcome, co_await client.ask(hello, "welcome"));
    (void)welcome;
    co_return std::move(client);
}

Task<Result<>> HostClient::send(json frame) {
    std::string bytes;
    const auto body = frame.dump(-1, ' ', false, json::error_handler_t::replace);
    if (body.size() > limits::frame_bytes_max)
        co_return fail(ErrorCode::usage, "a frame of " + std::to_string(body.size()) + " bytes is too long");
    append_frame(bytes, body);
    unsent_ += bytes;
    if (is_sending_) co_return Result<>(); // whoever sends takes it along
    is_sending_ = true;
    Result<> sent;
    while (sent && !unsent_.empty())
        sent = co_await stream_.write(std::exchange(unsent_, {}));
    is_sending_ = false;
    co_return sent;
}

Task<Result<std::optional<json>>> HostClient::read() {
    while (arrived_.empty()) {
        CASTRA_CO_TRY(bytes, co_await stream_.read_some());
        if (bytes.empty()) co_return std::optional<json>();
        const auto fed = reader_.feed(bytes, [this](std::string_view body) {
            auto frame = json::parse(body, nullptr, false);
            if (frame.is_object() && frame.contains("type") && frame["type"] != "heartbeat" &&
                frame["type"] != "greeting")
                arrived_.push_back(std::move(frame));
            return true;
        });
        if (!fed) co_return Failure(fed.error());
    }
    std::optional<json> first = std::move(arrived_.front());
    arrived_.pop_front();
    co_return first;
}

Task<Result<std::optional<json>>> HostClient::next() {
    co_return co_await read();
}

Task<Result<json>> HostClient::ask(json frame, std::string wanted) {
    CASTRA_CO_CHECK(co_await send(std::move(frame)));
    co_return co_await answer_of(std::move(wanted));
}

Task<Result<json>> HostClient::ask_list(json frame, std::string wanted, std::string list) {
    CASTRA_CO_CHECK(co_await send(std::move(frame)));
    auto items = json::array();
    while (true) {
        CASTRA_CO_TRY(part, co_await answer_of(wanted));
        if (const auto found = part.find(list); found != part.end() && found->is_array())
            items.insert(items.end(), found->begin(), found->end());
        const auto more = part.find("more");
        if (more == part.end() || *more != true) co_return std::move(items);
    }
}

Task<Result<json>> HostClient::answer_of(std::string wanted) {
    std::deque<json> others;
    while (true) {
        CASTRA_CO_TRY(answer, co_await read());
        if (!answer) co_return hung_up();
        const auto type = answer->value("type", "");
        if (type == "error")
            co_return fail(ErrorCode::protocol, "the broker refused: " + answer->value("detail", "no reason given"));
        if (type == wanted) {
            arrived_.insert(arrived_.begin(), others.begin(), others.end());
            co_return std::move(*answer);
        }
        others.push_back(std::move(*answer));
    }
}

namespace {

Task<json> ask_sessions(Host& host, std::filesystem::path socket) {
    auto client = co_await HostClient::look(host, std::move(socket));
    if (!client) co_return json();
    const json question{{"type", "status"}};
    auto sessions = co_await client->ask_list(question, "status", "sessions");
    co_return sessions ? std::move(*sessions) : json();
}

} // namespace

Task<json> broker_sessions(Host& host, std::filesystem::path socket, Milliseconds wait) {
    auto first = co_await (ask_sessions(host, std::move(socket)) || host.sleep_for(wait));
    if (first.index() != 0) co_return json();
    co_return std::get<0>(std::move(first));
}

} // namespace castra::broker
