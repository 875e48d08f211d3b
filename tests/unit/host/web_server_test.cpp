// SPDX-License-Identifier: Apache-2.0
#include "host/web_server.hpp"

#include <arpa/inet.h>
#include <future>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace castra {
namespace {

using namespace std::chrono_literals;

// A client that knows nothing of HTTP: sends bytes, reads until the end.
class Client {
public:
    explicit Client(int port, int receive_bytes = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (receive_bytes > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { leave(); }

    Client& send(const std::string& text) {
        (void)::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
        return *this;
    }
    // Until the server closed; "reset" when that was no orderly end; "silent" after 10 s without a byte.
    std::string read() {
        std::string all;
        while (true) {
            const auto some = read_some();
            all += some;
            if (some.empty() || some == "reset" || some == "silent") return all;
        }
    }
    std::string read_some() {
        pollfd waited{fd_, POLLIN, 0};
        if (::poll(&waited, 1, 10000) != 1) return "silent";
        char bytes[4096];
        const auto count = ::recv(fd_, bytes, sizeof bytes, 0);
        return count < 0 ? "reset" : std::string(bytes, static_cast<std::size_t>(count));
    }
    void leave() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_;
};

class WebServerTest : public testing::Test {
protected:
    void serve(WebLimits limits = {}, WebHandler handler = {}) {
        auto server = WebServer::listen(loop.get_executor(), 0, limits);
        ASSERT_TRUE(server);
        port = server->port();
        if (!handler)
            handler = [](WebExchange& exchange) -> Task<> {
                co_await exchange.answer(200, "text/plain",
                                         exchange.path() + "|" + exchange.query("q") + "|" + exchange.last_event_id());
            };
        asio::co_spawn(
            loop,
            [this, server = std::move(*server), handler]() mutable -> Task<> {
                ended = co_await server.serve(handler, stop);
            },
            asio::detached);
        thread = std::jthread([this] { loop.run(); });
    }
    void TearDown() override {
        asio::post(loop, [this] { stop.open(); });
        asio::post(loop, [this] { loop.stop(); });
    }
    std::string host() const { return "Host: 127.0.0.1:" + std::to_string(port) + "\r\n"; }
    std::string ask(const std::string& head) { return Client(port).send(head).read(); }
    std::string get(const std::string& target, const std::string& more = "") {
        return ask("GET " + target + " HTTP/1.1\r\n" + host() + more + "\r\n");
    }

    asio::io_context loop;
    Gate stop{loop.get_executor()};
    Result<> ended;
    int port = 0;
    std::jthread thread;
};

TEST_F(WebServerTest, AnswersAndCloses) {
    serve();
    const auto answer = get("/a%20b?x=1&q=c%3Ad%26", "Last-Event-ID: RUN:7\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n/a b|c:d&|RUN:7")) << answer;
    for (const auto* header : {"Cache-Control: no-store", "X-Content-Type-Options: nosniff", "X-Frame-Options: DENY",
                               "Referrer-Policy: no-referrer", "Connection: close"})
        EXPECT_NE(answer.find(header), answer.npos) << header;
}

TEST_F(WebServerTest, RefusesOtherNamesOtherSitesAndOtherMethods) {
    serve();
    const auto own = std::to_string(port);
    EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: localhost:" + own + "\r\n\r\n").starts_with("HTTP/1.1 200 "));
    for (const auto& name : {"evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example"})
        EXPECT_TRUE(ask(std::string("GET / HTTP/1.1\r\nHost: ") + name + "\r\n\r\n").starts_with("HTTP/1.1 421 "))
            << name;
    EXPECT_TRUE(ask("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 421 ")) << "no name at all";
    EXPECT_TRUE(get("/", "Origin: http://127.0.0.1:" + own + "\r\n").starts_with("HTTP/1.1 200 "));
    for (const auto& site : {"http://evil.example", "null", "https://127.0.0.1:1"})
        EXPECT_TRUE(get("/", std::string("Origin: ") + site + "\r\n").starts_with("HTTP/1.1 403 ")) << site;
    for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS", "HEAD"})
        EXPECT_TRUE(ask(std::string(method) + " / HTTP/1.1\r\n" + host() + "Content-Length: 9\r\n\r\nleftovers")
                        .starts_with("HTTP/1.1 405 "))
            << method;
}

TEST_F(WebServerTest, TellsWhatIsWrongWithAHead) {
    serve();
    EXPECT_TRUE(ask(std::string("\x00\xff\x00\r\n\r\n", 7)).starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(get("http://evil.example/").starts_with("HTTP/1.1 400 ")) << "a proxy's request";
    EXPECT_TRUE(get("/%zz").starts_with("HTTP/1.1 400 "));
    const auto big = get("/", "X: " + std::string(16000, 'y') + "\r\n");
    EXPECT_TRUE(big.starts_with("HTTP/1.1 200 ")) << big;
    const auto too_big = get("/", "X: " + std::string(100000, 'y') + "\r\n");
    EXPECT_TRUE(too_big.starts_with("HTTP/1.1 431 ")) << too_big;
    EXPECT_FALSE(too_big.ends_with("reset")) << "the answer arrives though the head was not read to its end";
}

TEST_F(WebServerTest, LetsGoOfTheSilent) {
    serve({.header_timeout = 50ms});
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(ask("GET / HT"), "");
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST_F(WebServerTest, TellsThoseThatAreTooMany) {
    serve({.connections_max = 2, .refusals_max = 1, .header_timeout = 5s}, [](WebExchange& exchange) -> Task<> {
        (void)co_await exchange.begin_stream("text/plain");
        co_await exchange.until_gone();
    });
    const auto head = "GET / HTTP/1.1\r\n" + host() + "\r\n";
    Client first(port), second(port);
    first.send(head);
    second.send(head);
    Client third(port);
    Client fourth(port);
    const auto closed = fourth.send(head).read();
    EXPECT_FALSE(closed.starts_with("HTTP")) << closed;
    EXPECT_FALSE(closed.ends_with("silent"));
    const auto refused = third.send(head).read();
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
    EXPECT_NE(refused.find("Retry-After: "), refused.npos);
    second.leave();
    std::string again;
    while (!again.starts_with("HTTP/1.1 200 ")) { // the server hears of it a little later
        Client next(port);
        again = next.send(head).read_some();
        ASSERT_FALSE(again.ends_with("silent"));
    }
}

TEST_F(WebServerTest, LetsGoOfAReaderThatTakesNothing) {
    auto told = std::make_shared<std::promise<Result<>>>();
    auto result = told->get_future();
    serve({.stall_timeout = 100ms}, [told](WebExchange& exchange) -> Task<> {
        (void)co_await exchange.begin_stream("text/plain");
        Result<> written;
        while (written)
            written = co_await exchange.write(std::string(1 << 20, 'x'));
        told->set_value(written);
    });
    Client slow(port, 4096);
    slow.send("GET / HTTP/1.1\r\n" + host() + "\r\n");
    ASSERT_EQ(result.wait_for(20s), std::future_status::ready);
    const auto written = result.get();
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::timeout);
}

TEST_F(WebServerTest, WaitsForAReaderThatIsOnlySlow) {
    auto told = std::make_shared<std::promise<Result<>>>();
    auto result = told->get_future();
    serve({.stall_timeout = 8s}, [told](WebExchange& exchange) -> Task<> {
        (void)co_await exchange.begin_stream("text/plain");
        auto written = co_await exchange.write(std::string(4 << 20, 'x'));
        told->set_value(written);
    });
    Client slow(port, 65536);
    slow.send("GET / HTTP/1.1\r\n" + host() + "\r\n");
    const auto all = slow.read();
    EXPECT_TRUE(result.get());
    EXPECT_GE(all.size(), std::size_t{4} << 20);
}

TEST_F(WebServerTest, NoticesThatAReaderWent) {
    auto told = std::make_shared<std::promise<void>>();
    auto gone = told->get_future();
    serve({}, [told](WebExchange& exchange) -> Task<> {
        (void)co_await exchange.begin_stream("text/plain");
        co_await exchange.until_gone();
        told->set_value();
    });
    {
        Client client(port);
        client.send("GET / HTTP/1.1\r\n" + host() + "\r\n");
    }
    EXPECT_EQ(gone.wait_for(20s), std::future_status::ready);
}

TEST_F(WebServerTest, ListensOnThisMachineOnlyAndSaysWhenAPortIsTaken) {
    serve();
    const auto second = WebServer::listen(loop.get_executor(), port);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::io);
    EXPECT_NE(second.error().hint, "");
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in other{};
    other.sin_family = AF_INET;
    other.sin_port = htons(static_cast<std::uint16_t>(port));
    other.sin_addr.s_addr = htonl(0x7f000002); // 127.0.0.2 is this machine, too: a server on 0.0.0.0 would answer
    EXPECT_NE(::connect(fd, reinterpret_cast<sockaddr*>(&other), sizeof other), 0);
    ::close(fd);
}

} // namespace
} // namespace castra
