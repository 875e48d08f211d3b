// SPDX-License-Identifier: Apache-2.0
// A connected unix stream socket, read by chunks or by lines. Move only; closes when dropped.
// Limits: a line longer than `line_bytes_max` is an error of code protocol, and the stream is of no use afterwards.
// Thread: that of its executor. At most one read and one write at a time.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "host/async.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <string>

namespace castra {

class Stream {
public:
    explicit Stream(asio::local::stream_protocol::socket socket) : socket_(std::move(socket)) {}

    // Some bytes; empty at the end of the stream.
    Task<Result<std::string>> read_some();
    // One line without its line feed; nullopt at the end of the stream.
    Task<Result<std::optional<std::string>>> read_line(std::size_t line_bytes_max);
    Task<Result<>> write(std::string bytes);
    void shutdown();
    // A second descriptor of the same socket, for a thread that writes by itself.
    UniqueFd duplicate() const;
    // User id of the other side (SO_PEERCRED).
    Result<unsigned> peer_user() const;

private:
    asio::local::stream_protocol::socket socket_;
    std::string buffer_;
    bool has_ended_ = false; // epoll tells that once: Asio would wait for it a second time
};

// A listening unix socket at a path, mode 0600 by the umask of its maker; unlinks nothing by itself.
class Listener {
public:
    explicit Listener(asio::local::stream_protocol::acceptor acceptor) : acceptor_(std::move(acceptor)) {}
    Task<Result<Stream>> accept();
    void close();

private:
    asio::local::stream_protocol::acceptor acceptor_;
};

inline constexpr std::size_t socket_path_bytes_max = 107;

} // namespace castra
