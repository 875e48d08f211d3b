// SPDX-License-Identifier: Apache-2.0
// castra-agent: runs in a guest. As a daemon it holds the session with the broker; as a command it asks the daemon.
#include "guest_agent/session.hpp"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <list>
#include <memory>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <vector>

namespace castra::agent {
namespace {

using nlohmann::json;
constexpr std::size_t clients_max = 16;
constexpr std::size_t request_bytes_max = 2 * broker::limits::frame_bytes_max;
constexpr const char* usage =
    "usage: castra-agent run [SHUTDOWN_COMMAND]   hold the session with the broker\n"
    "       castra-agent ready [WAIT_MS [FACTS]] tell that this guest is ready, and facts: a JSON object\n"
    "       castra-agent publish TOPIC JSON      say something to the host\n"
    "Exit codes: 0 the broker has it, 1 it has not, 2 wrong usage, 3 there is no broker.\n";

struct Client {
    UniqueFd fd;
    std::string in;
    bool is_asked = false;
};

void answer_client(const std::shared_ptr<Client>& client, const std::string& error) {
    const auto line = json{{"error", error}}.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    (void)!::send(client->fd.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    client->fd.reset();
}

void serve_client(Session& session, const std::shared_ptr<Client>& client) {
    char bytes[4096];
    const auto size = ::read(client->fd.get(), bytes, sizeof bytes);
    if (size == 0 || (size < 0 && errno != EAGAIN)) return client->fd.reset();
    if (size > 0) client->in.append(bytes, static_cast<std::size_t>(size));
    if (client->in.size() > request_bytes_max) return client->fd.reset();
    const auto end = client->in.find('\n');
    if (end == std::string::npos || client->is_asked) return;
    client->is_asked = true;
    const auto request = json::parse(client->in.substr(0, end), nullptr, false);
    const auto answer = [client](const std::string& error) { answer_client(client, error); };
    if (request.is_object() && request.contains("ready")) return session.say_ready(request["ready"], answer);
    if (request.is_object() && request.contains("topic") && request["topic"].is_string() && request.contains("payload"))
        return session.publish(request["topic"].get<std::string>(), request["payload"], answer);
    answer("not understood");
}

void shut_down(const char* command) {
    const int pid = ::fork();
    if (pid != 0) return;
    for (int fd = 3; fd < 64; ++fd)
        ::close(fd);
    ::execlp("/bin/sh", "sh", "-c", command, nullptr);
    ::_exit(127);
}

int run(const char* shutdown_command) {
    const auto ways = find_ways();
    if (ways.is_empty()) {
        std::fprintf(stderr, "castra-agent: castra gave this machine no way to a broker\n");
        return 3;
    }
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGCHLD, SIG_IGN);
    Session session(ways);
    session.on_shutdown = [shutdown_command] { shut_down(shutdown_command); };
    const auto local = listen_local();
    std::list<std::shared_ptr<Client>> clients;
    while (true) {
        session.tick();
        std::vector<pollfd> watched;
        const short wanted = static_cast<short>(POLLIN | (session.wants_to_write() ? POLLOUT : 0));
        watched.push_back({session.fd(), wanted, 0}); // -1 is skipped
        watched.push_back({clients.size() < clients_max ? local.get() : -1, POLLIN, 0});
        for (const auto& client : clients)
            watched.push_back({client->fd.get(), POLLIN, 0});
        const auto wait = session.next_ms() - now_ms();
        ::poll(watched.data(), watched.size(), static_cast<int>(wait < 0 ? 0 : wait > 5000 ? 5000 : wait));
        const auto came = watched[0].revents;
        if ((came & (POLLIN | POLLHUP | POLLERR)) != 0) session.readable((came & POLLHUP) != 0);
        if ((came & POLLOUT) != 0 && session.fd() >= 0) session.writable();
        std::size_t at = 2;
        for (const auto& client : clients)
            if (watched[at++].revents != 0) serve_client(session, client);
        if ((watched[1].revents & POLLIN) != 0)
            if (UniqueFd fd(::accept4(local.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)); fd) {
                clients.push_back(std::make_shared<Client>());
                clients.back()->fd = std::move(fd);
            }
        clients.remove_if([](const auto& client) { return !client->fd; });
    }
}

int ask(const json& request, int wait_ms) {
    const auto fd = connect_local(1000);
    if (!fd) {
        std::fprintf(stderr, "castra-agent: no agent runs here\n");
        return 3;
    }
    const auto line = request.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) return 1;
    pollfd answer{fd.get(), POLLIN, 0};
    char text[4096];
    ssize_t size = 0;
    if (::poll(&answer, 1, wait_ms) == 1) size = ::read(fd.get(), text, sizeof text);
    const auto said = json::parse(std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0), nullptr, false);
    const auto error = said.is_object() && said.contains("error") ? said["error"].get<std::string>()
                                                                  : std::string("the broker did not answer in time");
    if (error.empty()) return 0;
    std::fprintf(stderr, "castra-agent: %s\n", error.c_str());
    return 1;
}

} // namespace
} // namespace castra::agent

int main(int argc, char** argv) {
    using namespace castra::agent;
    const std::string_view command = argc > 1 ? argv[1] : "";
    if (command == "run" && argc <= 3) return run(argc == 3 ? argv[2] : "poweroff");
    if (command == "ready" && argc <= 4) {
        const auto facts = nlohmann::json::parse(argc == 4 ? argv[3] : "{}", nullptr, false);
        if (!facts.is_object()) {
            std::fprintf(stderr, "castra-agent: the facts are no JSON object\n");
            return 2;
        }
        return ask({{"ready", facts}}, argc >= 3 ? std::atoi(argv[2]) : 10000);
    }
    if (command == "publish" && argc == 4) {
        const auto payload = nlohmann::json::parse(argv[3], nullptr, false);
        if (payload.is_discarded()) {
            std::fprintf(stderr, "castra-agent: the payload is no JSON\n");
            return 2;
        }
        return ask({{"topic", argv[2]}, {"payload", payload}}, 30000);
    }
    std::fputs(usage, stderr);
    return 2;
}
