// SPDX-License-Identifier: Apache-2.0
// usage: broker_storm HOST_SOCKET TCP_PORT FRAMES SEED
// Sends so many frames that are random, mutated, or well formed and senseless: three of four within sessions of the
// host, over one that is opened again whenever the broker ends it, the rest over TCP before any hello. Reads whatever
// is answered. Prints how many frames went out and how many connections that took.
#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <random>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

std::size_t frames_sent = 0, connections = 0;

std::mt19937_64& random_words() {
    static std::mt19937_64 words;
    return words;
}

std::size_t below(std::size_t count) {
    return random_words()() % count;
}

std::string framed(const std::string& body) {
    const auto size = static_cast<std::uint32_t>(body.size());
    std::string out{static_cast<char>(size >> 24U), static_cast<char>(size >> 16U), static_cast<char>(size >> 8U),
                    static_cast<char>(size)};
    return out + body;
}

std::string any_topic() {
    static const char* const topics[] = {"a", "a/b", "durable/a", "durable/b/c", "*", "a/*", "", "..", "A", "durable/"};
    return topics[below(std::size(topics))];
}

// Well formed, and mostly without sense.
std::string senseless() {
    static const char* const types[] = {"publish", "subscribe", "unsubscribe", "ack",  "ready",
                                        "status",  "heartbeat", "topics",      "hello"};
    static const char* const values[] = {"1",     "-1",      "9007199254740993", "null",
                                         "\"x\"", "[1,[2]]", "{\"a\":{}}",       "1e9"};
    std::string body = R"({"type":")" + std::string(types[below(std::size(types))]) + R"(","topic":")" + any_topic() +
                       R"(","id":)" + std::to_string(below(1000)) + R"(,"payload":)" + values[below(std::size(values))];
    if (below(4) == 0) body += std::string(R"(,"after":)") + values[below(2)];
    if (below(8) == 0) body += std::string(R"(,"to":"vm:)") + std::to_string(below(3)) + "\"";
    if (below(16) == 0) body += R"(,"cursor":")" + std::to_string(below(20)) + "\"";
    if (below(32) == 0) body += R"(,"more":")" + std::string(below(4000), 'x') + "\"";
    return framed(body + "}");
}

std::string mutated() {
    auto frame = senseless();
    for (auto changes = 1 + below(4); changes > 0; --changes)
        frame[below(frame.size())] = static_cast<char>(below(256));
    return frame;
}

std::string noise() {
    std::string body(below(64), ' ');
    for (auto& letter : body)
        letter = static_cast<char>(below(256));
    return below(2) == 0 ? framed(body) : body;
}

std::string any_frame() {
    const auto kind = below(16);
    return kind < 12 ? senseless() : kind < 15 ? mutated() : noise();
}

class Connection {
public:
    explicit Connection(int fd) : fd_(fd) { ++connections; }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
        const linger now{1, 0}; // no port stays behind
        (void)::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        ::close(fd_);
    }

    std::string read_nonce() {
        while (in_.find('\n') == std::string::npos)
            if (!read_more(true)) return {};
        const auto line = in_.substr(0, in_.find('\n'));
        in_.clear();
        return line.size() == 42 ? line.substr(16) : "";
    }
    // Writes all of it and reads what comes meanwhile. False: the broker has ended the connection.
    bool write(std::string_view bytes) {
        while (!bytes.empty()) {
            if (!read_more(false)) return false;
            const auto size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (size > 0) bytes.remove_prefix(static_cast<std::size_t>(size));
            if (size < 0 && errno != EAGAIN) return false;
            pollfd ready{fd_, POLLIN | POLLOUT, 0};
            if (size < 0) ::poll(&ready, 1, -1);
        }
        return true;
    }

private:
    bool read_more(bool waits) {
        char bytes[65536];
        while (true) {
            const auto size = ::recv(fd_, bytes, sizeof bytes, waits ? 0 : MSG_DONTWAIT);
            if (size == 0) return false;
            if (size < 0) return errno == EAGAIN;
            if (waits) {
                in_.append(bytes, static_cast<std::size_t>(size));
                return true;
            }
        }
    }
    int fd_;
    std::string in_;
};

int connect_host(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
}

int connect_tcp(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
}

void storm(int fd, const std::string& opening, std::size_t frames) {
    if (fd < 0) {
        std::fprintf(stderr, "broker_storm: connect: %s\n", std::strerror(errno));
        std::exit(1);
    }
    Connection connection(fd);
    const auto nonce = connection.read_nonce();
    if (!nonce.empty() && !connection.write("castra-sync " + nonce + "\n" + opening)) return;
    for (std::size_t i = 0; i < frames; ++i) {
        ++frames_sent;
        if (!connection.write(any_frame())) return;
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    const auto wanted = std::strtoull(argv[3], nullptr, 10);
    random_words().seed(std::strtoull(argv[4], nullptr, 10));
    const auto hello = framed(R"({"type":"hello","version":1,"role":"host"})");
    while (frames_sent < wanted)
        if (below(4) != 0)
            storm(connect_host(argv[1]), hello, 64);
        else
            storm(connect_tcp(std::atoi(argv[2])), "", 8);
    std::printf("%zu frames, %zu connections\n", frames_sent, connections);
}
