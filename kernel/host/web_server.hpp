// SPDX-License-Identifier: Apache-2.0
// A web server for one person on this machine: 127.0.0.1 only, GET only, one answer a connection. A request whose Host
// is another name than ours is refused before its handler sees it (DNS rebinding). Boost.Beast parses.
// Limits: connections_max at a time, others are closed at once; 16 KiB of header within 10 s; a reader that takes
// nothing for 20 s is let go. Errors: io. Thread: the executor's.
#pragma once
#include "base/result.hpp"
#include "host/async.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <map>
#include <string>

namespace castra {

// One request and its answer. Valid while the handler runs.
class WebExchange {
public:
    virtual ~WebExchange() = default;
    virtual const std::string& path() const = 0;                  // without the query
    virtual std::string query(const std::string& name) const = 0; // empty: not there
    virtual std::string last_event_id() const = 0;
    // The whole answer.
    virtual Task<Result<>> answer(int status, std::string content_type, std::string body) = 0;
    // An answer without a known end: begin, then write any number of times. Errors: io, timeout.
    virtual Task<Result<>> begin_stream(std::string content_type) = 0;
    virtual Task<Result<>> write(std::string text) = 0;
    virtual Task<> until_gone() = 0; // the other side closed
};

using WebHandler = std::function<Task<>(WebExchange&)>;

class WebServer {
public:
    static constexpr int connections_max = 32;

    // Port 0: one that is free. Errors: io (the port is taken).
    static Result<WebServer> listen(const Executor& executor, int port);
    int port() const { return port_; }
    // Until `stop` opens. Connections that are open then end with their next write or with the process.
    Task<> serve(WebHandler handler, Gate& stop);

private:
    WebServer(asio::ip::tcp::acceptor acceptor, int port) : acceptor_(std::move(acceptor)), port_(port) {}
    asio::ip::tcp::acceptor acceptor_;
    int port_;
};

} // namespace castra
