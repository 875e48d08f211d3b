// SPDX-License-Identifier: Apache-2.0
// usage: bench_broker CASTRA [MESSAGES]
// castra broker beside mosquitto, in one run, over unix sockets, with the same payloads and durability: what is
// published is acknowledged and kept in memory only (live topics; MQTT QoS 1 without persistence). One publisher, N
// subscribers with a topic each. Tells publish-to-deliver throughput, latency at a tenth of it, and memory per session.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t payload_bytes = 200;
constexpr std::size_t window = 256; // published and not yet acknowledged

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "bench_broker: %s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(1);
}

double now() {
    return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

int connect_to(const std::string& path) {
    const auto address = address_of(path);
    for (int attempt = 0; attempt < 500; ++attempt) {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
        ::close(fd);
        ::poll(nullptr, 0, 20);
    }
    die("connect to " + path);
}

std::string number16(std::size_t value) {
    return {static_cast<char>(value >> 8U), static_cast<char>(value)};
}

// What each speaks; a packet is cut from the front of `in`, and kind() says what it was.
struct Protocol {
    enum class Kind { ack, delivery, other };
    virtual ~Protocol() = default;
    virtual std::string name() const = 0;
    virtual int start(const std::string& dir) = 0; // the server's pid
    virtual void greet(int fd, std::string& in) = 0;
    virtual std::string subscribe(std::size_t topic) = 0;
    virtual std::string publish(std::size_t topic, std::size_t id, const std::string& text) = 0;
    // False: more bytes are needed. `text`: of a delivery, at least the payload.
    virtual bool next(std::string& in, std::size_t& at, Kind& kind, std::string_view& text) = 0;
    std::string socket;
};

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto size = ::write(fd, bytes.data(), bytes.size());
        if (size < 0) die("write");
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
}

void read_more(int fd, std::string& in) {
    char bytes[65536];
    const auto size = ::read(fd, bytes, sizeof bytes);
    if (size <= 0) die("the server closed a connection");
    in.append(bytes, static_cast<std::size_t>(size));
}

struct Castra final : Protocol {
    explicit Castra(std::string program) : program_(std::move(program)) {}
    std::string name() const override { return "castra"; }
    int start(const std::string& dir) override {
        socket = dir + "/b";
        const int host = ::socket(AF_UNIX, SOCK_STREAM, 0);
        const auto address = address_of(socket);
        if (::bind(host, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(host, 1024) != 0)
            die("listen");
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) die("socketpair");
        const int pid = ::fork();
        if (pid == 0) {
            ::close(ends[0]);
            const auto control = std::to_string(ends[1]);
            const auto listening = std::to_string(host);
            ::execl(program_.c_str(), "castra", "broker", "--control-fd", control.c_str(), "--host-fd",
                    listening.c_str(), "--state-dir", dir.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(ends[1]);
        ::close(host);
        control_ = ends[0];
        write_all(control_, "{\"settings\":{\"sessions_max\":10000,\"queue_bytes_max\":67108864}}\n");
        return pid;
    }
    void greet(int fd, std::string& in) override {
        while (in.find('\n') == std::string::npos)
            read_more(fd, in);
        const auto nonce = in.substr(16, 26);
        in.erase(0, in.find('\n') + 1);
        write_all(fd, "castra-sync " + nonce + "\n" + framed(R"({"type":"hello","version":1,"role":"host"})"));
    }
    std::string subscribe(std::size_t topic) override {
        return framed(R"({"type":"subscribe","id":1,"topic":"t/)" + std::to_string(topic) + "\"}");
    }
    std::string publish(std::size_t topic, std::size_t id, const std::string& text) override {
        return framed(R"({"type":"publish","id":)" + std::to_string(id) + R"(,"topic":"t/)" + std::to_string(topic) +
                      R"(","payload":")" + text + "\"}");
    }
    bool next(std::string& in, std::size_t& at, Kind& kind, std::string_view& text) override {
        if (in.size() < at + 4) return false;
        std::size_t size = 0;
        for (std::size_t i = 0; i < 4; ++i)
            size = size << 8U | static_cast<unsigned char>(in[at + i]);
        if (in.size() < at + 4 + size) return false;
        text = std::string_view(in).substr(at + 4, size);
        at += 4 + size;
        kind = text.starts_with(R"({"type":"ack")")       ? Kind::ack
               : text.starts_with(R"({"type":"deliver")") ? Kind::delivery
                                                          : Kind::other;
        return true;
    }

private:
    static std::string framed(const std::string& body) { return std::string(2, '\0') + number16(body.size()) + body; }
    std::string program_;
    int control_ = -1;
};

struct Mosquitto final : Protocol {
    std::string name() const override { return "mosquitto"; }
    int start(const std::string& dir) override {
        socket = dir + "/m";
        std::ofstream(dir + "/m.conf") << "listener 0 " << socket << "\nallow_anonymous true\npersistence false\n"
                                       << "max_inflight_messages 0\nmax_queued_messages 0\nlog_type none\nuser root\n";
        const int pid = ::fork();
        if (pid == 0) {
            ::execlp("mosquitto", "mosquitto", "-c", (dir + "/m.conf").c_str(), nullptr);
            ::execl("/usr/sbin/mosquitto", "mosquitto", "-c", (dir + "/m.conf").c_str(), nullptr);
            ::_exit(127);
        }
        return pid;
    }
    void greet(int fd, std::string& in) override {
        const auto id = "c" + std::to_string(fd);
        const auto body = number16(4) + "MQTT" + std::string("\x04\x02\x00\x00", 4) + number16(id.size()) + id;
        write_all(fd, packet(0x10, body));
        while (in.size() < 4)
            read_more(fd, in);
        in.erase(0, 4); // CONNACK
    }
    std::string subscribe(std::size_t topic) override {
        const auto name = "t/" + std::to_string(topic);
        return packet(0x82, number16(1) + number16(name.size()) + name + std::string(1, '\0'));
    }
    std::string publish(std::size_t topic, std::size_t id, const std::string& text) override {
        const auto name = "t/" + std::to_string(topic);
        return packet(0x32, number16(name.size()) + name + number16(id % 65535 + 1) + text);
    }
    bool next(std::string& in, std::size_t& at, Kind& kind, std::string_view& text) override {
        std::size_t size = 0;
        std::size_t header = 1;
        for (unsigned shift = 0;; shift += 7U, ++header) {
            if (in.size() <= at + header) return false;
            const auto byte = static_cast<unsigned char>(in[at + header]);
            size |= static_cast<std::size_t>(byte & 127U) << shift;
            if ((byte & 128U) == 0) break;
        }
        ++header;
        if (in.size() < at + header + size) return false;
        const auto type = static_cast<unsigned char>(in[at]) >> 4U;
        text = std::string_view(in).substr(at + header, size);
        at += header + size;
        kind = type == 4 ? Kind::ack : type == 3 ? Kind::delivery : Kind::other;
        return true;
    }

private:
    static std::string packet(int first, const std::string& body) {
        std::string out(1, static_cast<char>(first));
        for (auto size = body.size();;) {
            const auto byte = size & 127U;
            size >>= 7U;
            out += static_cast<char>(size > 0 ? byte | 128U : byte);
            if (size == 0) break;
        }
        return out + body;
    }
};

long rss_kib(int pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:")) return std::atol(line.c_str() + 6);
    return 0;
}

struct Peer {
    int fd = -1;
    std::string in;
};

class Round {
public:
    Round(Protocol& protocol, std::size_t sessions) : protocol_(protocol), peers_(sessions + 1) {
        epoll_ = ::epoll_create1(0);
        for (std::size_t i = 0; i < peers_.size(); ++i) {
            auto& peer = peers_[i];
            peer.fd = connect_to(protocol_.socket);
            protocol_.greet(peer.fd, peer.in);
            if (i > 0) write_all(peer.fd, protocol_.subscribe(i));
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = i;
            ::epoll_ctl(epoll_, EPOLL_CTL_ADD, peer.fd, &event);
        }
        ::poll(nullptr, 0, 200); // until the subscriptions are known
    }
    ~Round() {
        for (const auto& peer : peers_)
            ::close(peer.fd);
        ::close(epoll_);
    }

    // `per_second` 0: as fast as acknowledgements come. Answers the seconds until the last delivery.
    double run(std::size_t messages, double per_second) {
        latencies_.clear();
        sent_ = acked_ = 0;
        const auto began = now();
        const auto gave_up = began + 120;
        while ((latencies_.size() < messages || acked_ < messages) && now() < gave_up) {
            std::string batch;
            while (sent_ < messages && sent_ - acked_ < window &&
                   (per_second == 0 || static_cast<double>(sent_) <= (now() - began) * per_second)) {
                char stamp[32];
                std::snprintf(stamp, sizeof stamp, "@%.9f@", now());
                std::string text = stamp;
                text.resize(payload_bytes, 'x');
                batch += protocol_.publish(1 + sent_ % (peers_.size() - 1), sent_ + 1, text);
                ++sent_;
            }
            if (!batch.empty()) write_all(peers_[0].fd, batch);
            epoll_event events[64];
            const int count = ::epoll_wait(epoll_, events, 64, per_second == 0 ? 1000 : 0);
            for (int i = 0; i < count; ++i)
                receive(peers_[events[i].data.u64], events[i].data.u64 == 0);
        }
        return now() - began;
    }
    double percentile(double part) {
        if (latencies_.empty()) return 0;
        std::ranges::sort(latencies_);
        return latencies_[static_cast<std::size_t>(static_cast<double>(latencies_.size() - 1) * part)] * 1000;
    }
    std::size_t delivered() const { return latencies_.size(); }

private:
    void receive(Peer& peer, bool is_publisher) {
        read_more(peer.fd, peer.in);
        std::size_t at = 0;
        auto kind = Protocol::Kind::other;
        std::string_view text;
        while (protocol_.next(peer.in, at, kind, text)) {
            if (kind == Protocol::Kind::ack && is_publisher) ++acked_;
            if (kind != Protocol::Kind::delivery) continue;
            const auto stamp = text.find('@');
            latencies_.push_back(now() - std::atof(std::string(text.substr(stamp + 1, 24)).c_str()));
        }
        peer.in.erase(0, at);
    }
    Protocol& protocol_;
    std::vector<Peer> peers_;
    int epoll_ = -1;
    std::size_t sent_ = 0, acked_ = 0;
    std::vector<double> latencies_;
};

void measure(Protocol& protocol, std::size_t messages) {
    char dir[] = "/tmp/bench-broker.XXXXXX";
    if (::mkdtemp(dir) == nullptr) die("mkdtemp");
    const int pid = protocol.start(dir);
    { Round first(protocol, 1); } // it runs
    const auto bare_kib = rss_kib(pid);
    for (const std::size_t sessions : {1U, 10U, 1000U}) {
        Round round(protocol, sessions);
        const auto kib = static_cast<double>(rss_kib(pid) - bare_kib) / static_cast<double>(sessions + 1);
        const auto seconds = round.run(messages, 0);
        const auto per_second = static_cast<double>(round.delivered()) / seconds;
        const auto delivered = round.delivered();
        round.run(messages / 10, per_second / 10);
        std::printf("%-10s %5zu sessions  %8.0f messages/s  p50 %7.3f ms  p99 %7.3f ms  %6.1f KiB/session%s\n",
                    protocol.name().c_str(), sessions, per_second, round.percentile(0.5), round.percentile(0.99), kib,
                    delivered == messages ? "" : "  NOT ALL DELIVERED");
        std::fflush(stdout);
    }
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    (void)!std::system(("rm -rf " + std::string(dir)).c_str());
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: bench_broker CASTRA [MESSAGES]\n");
        return 2;
    }
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    std::signal(SIGPIPE, SIG_IGN);
    const std::size_t messages = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 200000;
    Castra castra(argv[1]);
    Mosquitto mosquitto;
    measure(castra, messages);
    measure(mosquitto, messages);
}
