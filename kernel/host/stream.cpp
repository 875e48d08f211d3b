// SPDX-License-Identifier: Apache-2.0
#include "host/stream.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <sys/socket.h>

namespace castra {
namespace {

Failure socket_failed(const char* doing, const boost::system::error_code& error) {
    if (error == asio::error::operation_aborted) return fail(ErrorCode::cancelled, std::string(doing) + ": cancelled");
    return fail(ErrorCode::io, std::string(doing) + ": " + error.message());
}

} // namespace

Task<Result<std::string>> Stream::read_some() {
    if (!buffer_.empty()) co_return std::exchange(buffer_, {});
    if (has_ended_) co_return std::string();
    std::string chunk(16384, '\0');
    boost::system::error_code error;
    const auto size =
        co_await socket_.async_read_some(asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, error));
    has_ended_ = error == asio::error::eof || error == asio::error::connection_reset;
    if (has_ended_) co_return std::string();
    if (error) co_return socket_failed("read from socket", error);
    chunk.resize(size);
    co_return chunk;
}

Task<Result<std::optional<std::string>>> Stream::read_line(std::size_t line_bytes_max) {
    std::size_t scanned = 0;
    while (true) {
        if (const auto end = buffer_.find('\n', scanned); end != std::string::npos) {
            std::optional<std::string> line = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            co_return line;
        }
        scanned = buffer_.size();
        if (scanned > line_bytes_max)
            co_return fail(ErrorCode::protocol, "a line is longer than " + std::to_string(line_bytes_max) + " bytes");
        if (has_ended_) co_return std::optional<std::string>();
        std::string chunk(16384, '\0');
        boost::system::error_code error;
        const auto size =
            co_await socket_.async_read_some(asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, error));
        has_ended_ = error == asio::error::eof || error == asio::error::connection_reset;
        if (has_ended_) co_return std::optional<std::string>();
        if (error) co_return socket_failed("read from socket", error);
        buffer_.append(chunk, 0, size);
    }
}

Task<Result<>> Stream::write(std::string bytes) {
    boost::system::error_code error;
    co_await asio::async_write(socket_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return socket_failed("write to socket", error);
    co_return Result<>();
}

void Stream::shutdown() {
    boost::system::error_code ignored;
    socket_.shutdown(asio::local::stream_protocol::socket::shutdown_both, ignored);
}

UniqueFd Stream::duplicate() const {
    return UniqueFd(
        fcntl(const_cast<asio::local::stream_protocol::socket&>(socket_).native_handle(), F_DUPFD_CLOEXEC, 3));
}

Result<unsigned> Stream::peer_user() const {
    ucred peer{};
    socklen_t size = sizeof peer;
    const int fd = const_cast<asio::local::stream_protocol::socket&>(socket_).native_handle();
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return fail_errno("read the peer's credentials");
    return peer.uid;
}

Task<Result<Stream>> Listener::accept() {
    boost::system::error_code error;
    auto socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return socket_failed("accept a connection", error);
    co_return Stream(std::move(socket));
}

void Listener::close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
}

} // namespace castra
