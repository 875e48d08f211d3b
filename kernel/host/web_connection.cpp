// SPDX-License-Identifier: Apache-2.0
#include "host/web_connection.hpp"

#include <boost/beast/http.hpp>
#include <boost/url/parse.hpp>

namespace castra {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::size_t ignored_bytes_max = 1 << 20; // of what a client still sends when it has been answered

// Nobody but this page looks at what is in it, nothing keeps it, no other site frames it.
constexpr std::string_view common_headers = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                                            "X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
                                            "Cross-Origin-Resource-Policy: same-origin\r\nConnection: close\r\n";

Failure client_failed(const std::string& what, const boost::system::error_code& error) {
    const auto code = error == beast::error::timeout ? ErrorCode::timeout : ErrorCode::io;
    return fail(code, what + ": " + error.message());
}

std::string head(int status, const std::string& content_type) {
    const std::string reason(http::obsolete_reason(static_cast<http::status>(status)));
    return "HTTP/1.1 " + std::to_string(status) + " " + reason + "\r\nContent-Type: " + content_type + "\r\n" +
           (status == 405 ? "Allow: GET\r\n" : "") + (status == 503 ? "Retry-After: 5\r\n" : "") +
           std::string(common_headers);
}

bool is_malformed(const boost::system::error_code& error) {
    return error.category() == http::make_error_code(http::error::bad_method).category() &&
           error != http::error::end_of_stream && error != http::error::partial_message;
}

} // namespace

WebConnection::WebConnection(tcp::socket socket, WebLimits limits)
    : limits_(limits), stream_(std::move(socket)), buffer_(limits.header_bytes_max) {}

Task<bool> WebConnection::read(int port) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
    stream_.expires_after(limits_.header_timeout);
    boost::system::error_code error;
    co_await http::async_read_header(stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        co_await refuse(431, "the head of a request has at most " + std::to_string(limits_.header_bytes_max) +
                                 " bytes here");
        co_return false;
    }
    if (is_malformed(error)) {
        co_await refuse(400, "this is no HTTP: " + error.message());
        co_return false;
    }
    if (error) co_return false; // silent for too long, or gone
    const auto& request = parser.get();
    const auto own = "127.0.0.1:" + std::to_string(port);
    const std::string host(request[http::field::host]);
    const std::string origin(request[http::field::origin]);
    const auto target = boost::urls::parse_origin_form(std::string_view(request.target()));
    if (host != own && host != "localhost:" + std::to_string(port)) {
        co_await refuse(421, "this server is " + own);
    } else if (!origin.empty() && origin != "http://" + host) {
        co_await refuse(403, "the page of another site may not ask this server");
    } else if (request.method() != http::verb::get) {
        co_await refuse(405, "GET only");
    } else if (!target) {
        co_await refuse(400, "the address is none");
    } else {
        target_ = *target;
        last_event_id_ = std::string(request["Last-Event-ID"]);
        co_return true;
    }
    co_return false;
}

Task<> WebConnection::refuse(int status, std::string why) {
    co_await answer(status, "text/plain; charset=utf-8", why + "\n");
}

Task<> WebConnection::finish() {
    boost::system::error_code error;
    stream_.socket().shutdown(tcp::socket::shutdown_send, error);
    stream_.expires_after(limits_.close_timeout);
    std::array<char, 4096> ignored{};
    for (std::size_t count = 0; !error && count < ignored_bytes_max;)
        count +=
            co_await stream_.async_read_some(asio::buffer(ignored), asio::redirect_error(asio::use_awaitable, error));
    stream_.close();
}

std::string WebConnection::query(const std::string& name) const {
    const boost::urls::url_view target = target_;
    const auto all = target.params();
    const auto found = all.find(name);
    return found == all.end() ? std::string() : std::string((*found).value);
}

Task<Result<>> WebConnection::answer(int status, std::string content_type, std::string body) {
    auto text = head(status, content_type) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    auto written = co_await write(std::move(text));
    co_return written;
}

Task<Result<>> WebConnection::begin_stream(std::string content_type) {
    auto written = co_await write(head(200, content_type) + "\r\n");
    co_return written;
}

Task<Result<>> WebConnection::write(std::string text) {
    boost::system::error_code error;
    for (std::size_t done = 0; done < text.size() && !error;) { // each piece anew: slow is not gone
        stream_.expires_after(limits_.stall_timeout);
        done += co_await stream_.async_write_some(asio::buffer(text.data() + done, text.size() - done),
                                                  asio::redirect_error(asio::use_awaitable, error));
    }
    if (error) co_return client_failed("write to a web client", error);
    stream_.expires_never();
    co_return Result<>();
}

Task<> WebConnection::until_gone() {
    boost::system::error_code error;
    std::array<char, 256> ignored{};
    while (!error)
        co_await stream_.socket().async_read_some(asio::buffer(ignored),
                                                  asio::redirect_error(asio::use_awaitable, error));
}

} // namespace castra
