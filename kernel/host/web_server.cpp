// SPDX-License-Identifier: Apache-2.0
#include "host/web_server.hpp"

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fcntl.h>

namespace castra {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::size_t header_bytes_max = 16384;
constexpr auto header_timeout = std::chrono::seconds(10);
constexpr auto write_timeout = std::chrono::seconds(20);
constexpr auto stream_pause = std::chrono::hours(24); // between two writes of a stream

Failure failed(const std::string& what, const boost::system::error_code& error) {
    const auto code = error == beast::error::timeout ? ErrorCode::timeout : ErrorCode::io;
    return fail(code, what + ": " + error.message());
}

int digit_of(char c) {
    const auto at =
        std::string_view("0123456789abcdef").find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_escape =
            text[i] == '%' && i + 2 < text.size() && digit_of(text[i + 1]) >= 0 && digit_of(text[i + 2]) >= 0;
        if (is_escape) {
            out += static_cast<char>(digit_of(text[i + 1]) * 16 + digit_of(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

// Nobody but this page looks at what is in it, nothing keeps it, no other site frames it.
constexpr std::string_view common_headers = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                                            "X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
                                            "Connection: close\r\n";

class Connection final : public WebExchange {
public:
    explicit Connection(tcp::socket socket) : stream_(std::move(socket)) {}

    // True: there is a request to handle. Otherwise it has been answered, or nobody is there any more.
    Task<bool> read(int port) {
        http::request_parser<http::empty_body> parser;
        parser.header_limit(header_bytes_max);
        stream_.expires_after(header_timeout);
        boost::system::error_code error;
        co_await http::async_read_header(stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return false;
        const auto& request = parser.get();
        const auto own = ":" + std::to_string(port);
        const std::string host(request[http::field::host]);
        last_event_id_ = std::string(request["Last-Event-ID"]);
        take_target(std::string(request.target()));
        if (host != "127.0.0.1" + own && host != "localhost" + own) {
            co_await answer(421, "text/plain", "this server is 127.0.0.1" + own + "\n");
            co_return false;
        }
        if (request.method() != http::verb::get) {
            co_await answer(405, "text/plain", "GET only\n");
            co_return false;
        }
        co_return true;
    }

    void close() {
        boost::system::error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        stream_.close();
    }

    const std::string& path() const override { return path_; }
    std::string query(const std::string& name) const override {
        const auto found = query_.find(name);
        return found == query_.end() ? std::string() : found->second;
    }
    std::string last_event_id() const override { return last_event_id_; }

    Task<Result<>> answer(int status, std::string content_type, std::string body) override {
        auto text = head(status, content_type) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        auto written = co_await write(std::move(text));
        co_return written;
    }
    Task<Result<>> begin_stream(std::string content_type) override {
        auto written = co_await write(head(200, content_type) + "\r\n");
        co_return written;
    }
    Task<Result<>> write(std::string text) override {
        boost::system::error_code error;
        stream_.expires_after(write_timeout);
        co_await asio::async_write(stream_, asio::buffer(text), asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return failed("write to a web client", error);
        stream_.expires_after(stream_pause);
        co_return Result<>();
    }
    Task<> until_gone() override {
        boost::system::error_code error;
        std::array<char, 256> ignored{};
        while (!error)
            co_await stream_.socket().async_read_some(asio::buffer(ignored),
                                                      asio::redirect_error(asio::use_awaitable, error));
    }

private:
    static std::string head(int status, const std::string& content_type) {
        const std::string reason(http::obsolete_reason(static_cast<http::status>(status)));
        return "HTTP/1.1 " + std::to_string(status) + " " + reason + "\r\nContent-Type: " + content_type + "\r\n" +
               std::string(common_headers);
    }

    void take_target(const std::string& target) {
        const auto mark = std::min(target.find('?'), target.size());
        path_ = target.substr(0, mark);
        for (auto at = mark + 1; at < target.size();) {
            const auto end = std::min(target.find('&', at), target.size());
            const auto pair = target.substr(at, end - at);
            const auto equals = std::min(pair.find('='), pair.size());
            query_[decoded(pair.substr(0, equals))] = equals < pair.size() ? decoded(pair.substr(equals + 1)) : "";
            at = end + 1;
        }
    }

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_{header_bytes_max};
    std::string path_, last_event_id_;
    std::map<std::string, std::string> query_;
};

// Keeps count of who is connected.
struct Open {
    explicit Open(std::shared_ptr<int> shared) : count(std::move(shared)) { ++*count; }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;
    ~Open() { --*count; }
    std::shared_ptr<int> count;
};

Task<> handle(tcp::socket socket, int port, WebHandler handler, std::shared_ptr<int> open) {
    const Open counted(std::move(open));
    Connection connection(std::move(socket));
    const bool is_request = co_await connection.read(port);
    if (is_request) co_await handler(connection);
    connection.close();
}

} // namespace

Result<WebServer> WebServer::listen(const Executor& executor, int port) {
    const tcp::endpoint where(asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port));
    tcp::acceptor acceptor(executor);
    boost::system::error_code error;
    acceptor.open(where.protocol(), error);
    if (!error) ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(where, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
        return fail(ErrorCode::io, "listen on 127.0.0.1:" + std::to_string(port) + ": " + error.message(),
                    "leave out --port to take a free one");
    const int actual = acceptor.local_endpoint().port();
    return WebServer(std::move(acceptor), actual);
}

Task<> WebServer::serve(WebHandler handler, Gate& stop) {
    const auto open = std::make_shared<int>(0);
    const auto executor = acceptor_.get_executor();
    while (!stop.is_open()) {
        tcp::socket socket(executor);
        boost::system::error_code error;
        co_await (acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error)) || stop.wait());
        if (stop.is_open()) break;
        if (error || *open >= connections_max) continue; // the socket is closed when it goes
        ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
        asio::co_spawn(executor, handle(std::move(socket), port_, handler, open), asio::detached);
    }
}

} // namespace castra
