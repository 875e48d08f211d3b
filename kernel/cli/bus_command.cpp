// SPDX-License-Identifier: Apache-2.0
// castra bus: publish, tail and topics, as the host, over the broker's own socket. No run, no event: answers on stdout,
// complaints on stderr.
#include "broker/host_client.hpp"
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"
#include "operations/exit_code.hpp"

#include <cstdio>

namespace castra {
namespace {

using nlohmann::json;
constexpr Milliseconds answer_wait{10000};

struct BusRequest {
    enum class Action { publish, tail, topics };
    std::string topic, payload, to;  // of publish
    std::vector<std::string> topics; // of tail
    std::optional<std::int64_t> after;
    std::string cursor;
    std::int64_t count = 0; // tail: end after so many; 0: never
};
using Action = BusRequest::Action;

void print_line(const json& line) {
    std::printf("%s\n", line.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
}

Task<Result<int>> publish(broker::HostClient& client, const BusRequest& request, bool as_json) {
    auto payload = json::parse(request.payload, nullptr, false);
    if (payload.is_discarded())
        co_return fail(ErrorCode::usage, "the payload is no JSON", "a text is JSON in double quotes: '\"hello\"'");
    json frame{{"type", "publish"}, {"id", 1}, {"topic", request.topic}, {"payload", std::move(payload)}};
    if (!request.to.empty()) frame["to"] = request.to;
    CASTRA_CO_TRY(ack, co_await client.ask(std::move(frame), "ack"));
    ack.erase("id");
    if (as_json) print_line(ack);
    co_return exit_code::succeeded;
}

Task<Result<int>> list(broker::HostClient& client, bool as_json) {
    const json question{{"type", "topics"}};
    CASTRA_CO_TRY(topics, co_await client.ask_list(question, "topics", "topics"));
    for (const auto& topic : topics) {
        if (as_json)
            print_line(topic);
        else
            std::printf("%s %s..%s, %s bytes\n", topic.value("topic", "").c_str(), topic["first_seq"].dump().c_str(),
                        topic["last_seq"].dump().c_str(), topic["bytes"].dump().c_str());
    }
    co_return exit_code::succeeded;
}

// Keeps the session alive while nothing is said.
Task<> beat(Host& host, broker::HostClient& client) {
    while (true) {
        co_await host.sleep_for(Milliseconds(broker::limits::heartbeat_ms));
        const json frame{{"type", "heartbeat"}};
        const auto sent = co_await client.send(frame);
        if (!sent) co_return;
    }
}

Task<Result<int>> listen(broker::HostClient& client, const BusRequest& request, bool as_json) {
    std::int64_t seen = 0;
    while (request.count == 0 || seen < request.count) {
        CASTRA_CO_TRY(frame, co_await client.next());
        if (!frame) co_return fail(ErrorCode::io, "the broker closed the connection");
        if ((*frame)["type"] == "error")
            co_return fail(ErrorCode::io, "the broker says: " + frame->value("detail", ""));
        if ((*frame)["type"] != "deliver") continue;
        ++seen;
        frame->erase("type");
        if (as_json)
            print_line(*frame);
        else
            std::printf("%s%s%s %s: %s\n", frame->value("topic", "").c_str(), frame->contains("seq") ? " " : "",
                        frame->contains("seq") ? (*frame)["seq"].dump().c_str() : "", frame->value("from", "").c_str(),
                        (*frame)["payload"].dump(-1, ' ', true, json::error_handler_t::replace).c_str());
        if (std::fflush(stdout) != 0) co_return exit_code::succeeded; // nobody reads any more
        if (request.cursor.empty() || !frame->contains("seq")) continue;
        const json ack{{"type", "ack"}, {"topic", frame->value("topic", "")}, {"seq", (*frame)["seq"]}};
        CASTRA_CO_CHECK(co_await client.send(ack));
    }
    // What is acknowledged has arrived when the broker has answered something later.
    const json last{{"type", "status"}};
    if (!request.cursor.empty()) (void)co_await client.ask(last, "status");
    co_return exit_code::succeeded;
}

Task<Result<int>> tail(Host& host, broker::HostClient& client, const BusRequest& request, bool as_json) {
    for (const auto& topic : request.topics) {
        json frame{{"type", "subscribe"}, {"id", 1}, {"topic", topic}};
        if (request.after) frame["after"] = *request.after;
        if (!request.cursor.empty()) frame["cursor"] = request.cursor;
        CASTRA_CO_CHECK(co_await client.ask(std::move(frame), "ack"));
    }
    auto first = co_await (listen(client, request, as_json) || beat(host, client));
    if (first.index() == 0) co_return std::get<0>(std::move(first));
    co_return fail(ErrorCode::io, "the broker closed the connection");
}

Task<Result<int>> act(Host& host, std::filesystem::path socket, Action action, const BusRequest& request, bool as_json,
                      std::optional<broker::HostClient>& client) {
    auto connected = co_await broker::HostClient::connect(host, std::move(socket));
    if (!connected) co_return Failure(connected.error());
    client.emplace(std::move(*connected));
    if (action == Action::publish) {
        auto done = co_await publish(*client, request, as_json);
        co_return done;
    }
    if (action == Action::topics) {
        auto done = co_await list(*client, as_json);
        co_return done;
    }
    co_return exit_code::succeeded;
}

Task<int> bus(App& app, const CommandLine& line, Action action, std::shared_ptr<BusRequest> request) {
    auto layout = app.layout_of(line.request.config);
    if (!layout) co_return complain(layout.error());
    auto& host = app.host();
    std::optional<broker::HostClient> client;
    auto first = co_await (act(host, layout->broker_socket(), action, *request, line.json, client) ||
                           host.sleep_for(answer_wait));
    if (first.index() != 0) co_return complain({ErrorCode::timeout, "the broker does not answer", "see castra status"});
    auto done = std::get<0>(std::move(first));
    if (done && action == Action::tail) {
        auto watched = co_await (tail(host, *client, *request, line.json) || app.signals().next());
        if (watched.index() != 0) co_return exit_code::cancelled;
        done = std::get<0>(std::move(watched));
    }
    if (!done) co_return complain(done.error());
    co_return *done;
}

} // namespace

void add_bus(Grammar& grammar) {
    auto group = grammar.add_group("bus", "Talk with the guests over the broker");
    const auto request = Grammar::options<BusRequest>();
    const auto action = [&](const char* name, const char* help, Action what) {
        auto command = grammar.add(
            name, help,
            [request, what](App& app, const CommandLine& line) { return castra::bus(app, line, what, request); },
            group);
        grammar.add_file(command);
        grammar.add_json(command);
        return command;
    };
    auto publish =
        action("publish", "Say something; returns when the broker has it (durable/...: on disk)", Action::publish);
    publish.option("topic", request->topic, "Such as news, or durable/news").required().type_name("TOPIC");
    publish.option("payload", request->payload, "Any JSON").required().type_name("JSON");
    publish.option("--to", request->to, "all (default), host, vm:NAME").type_name("WHOM");
    auto tail = action("tail", "Show what is said, until interrupted", Action::tail);
    tail.describe("--json", "One JSON object a line: topic, from, payload, seq of durable topics");
    tail.option("topics", request->topics, "Topics; a/* is everything below a, '*' everything")
        .required()
        .type_name("TOPIC");
    tail.option("--after", request->after, "Of durable topics also what came after this number; 0: all that is kept");
    tail.option("--cursor", request->cursor, "Go on where the reader of this name stopped").type_name("NAME");
    tail.option("--count", request->count, "End after so many").positive();
    action("topics", "List the durable topics", Action::topics);
}

} // namespace castra
