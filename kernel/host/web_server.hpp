// SPDX-License-Identifier: Apache-2.0
// A web server for one person on this machine: 127.0.0.1 only, GET only, one answer a connection. A request whose Host
// is another name than ours (DNS rebinding), or that the page of another site sends (Origin), is refused before its
// handler sees it. Boost.Beast and Boost.URL parse.
// Limits: WebLimits. Backpressure: a write returns when the machine has taken all of it. Errors: io, timeout.
// Thread: the executor's.
#pragma once
#include "base/result.hpp"
#include "host/async.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>

namespace castra {

struct WebLimits {
    int connections_max = 32;
    int refusals_max = 8; // connections beyond that are told so (503); those beyond these are closed at once
    std::size_t header_bytes_max = 16384;
    std::chrono::milliseconds header_timeout{10000};
    std::chrono::milliseconds stall_timeout{20000}; // a client that takes nothing for so long is let go
    std::chrono::milliseconds close_timeout{1000};  // for what it still sends when it has been answered
};

// One request and its answer. Valid while the handler runs.
class WebExchange {
public:
    virtual ~WebExchange() = default;
    virtual std::string path() const = 0;                         // without the query
    virtual std::string query(const std::string& name) const = 0; // empty: not there
    virtual std::string last_event_id() const = 0;
    // The whole answer.
    virtual Task<Result<>> answer(int status, std::string content_type, std::string body) = 0;
    // An answer without a known end: begin, then write any number of times.
    virtual Task<Result<>> begin_stream(std::string content_type) = 0;
    virtual Task<Result<>> write(std::string text) = 0;
    virtual Task<> until_gone() = 0; // the other side closed
};

using WebHandler = std::function<Task<>(WebExchange&)>;

class WebServer {
public:
    // Port 0: one that is free. Errors: io (the port is taken).
    static Result<WebServer> listen(const Executor& executor, int port, WebLimits limits = {});
    int port() const { return port_; }
    // Until `stop` opens. Connections that are open then end with their next write or with the process.
    // Errors: io (the system gives no more sockets, and none of ours could be closed).
    Task<Result<>> serve(WebHandler handler, Gate& stop);

private:
    WebServer(asio::ip::tcp::acceptor acceptor, int port, WebLimits limits)
        : acceptor_(std::move(acceptor)), port_(port), limits_(limits) {}
    asio::ip::tcp::acceptor acceptor_;
    int port_;
    WebLimits limits_;
};

} // namespace castra
