// SPDX-License-Identifier: Apache-2.0
#include "operations/supervisor.hpp"

#include "host/files.hpp"
#include "operations/client_sink.hpp"
#include "operations/supervisor_client.hpp"

namespace castra {

namespace {

constexpr Milliseconds request_wait{10000};     // a client that connects and says nothing
constexpr Milliseconds first_client_wait{5000}; // whoever started us is about to connect

// Opens `cancel` when the client asks for it. A client that merely goes away cancels nothing: the work is the
// project's.
Task<> watch_for_cancel(Stream& stream, Gate& cancel) {
    while (true) {
        const auto line = co_await stream.read_line(request_bytes_max);
        if (!line || !*line) co_return;
        if ((*line)->find("\"cancel\"") != std::string::npos) cancel.open();
    }
}

} // namespace

Supervisor::Supervisor(Workshop& workshop, std::unique_ptr<ProjectKernel> kernel)
    : workshop_(workshop), kernel_(std::move(kernel)), idle_(workshop.host().executor()) {
    kernel_->on_idle = [this] { check_idle(); };
}

Result<> Supervisor::listen() {
    CASTRA_TRY(listener, workshop_.host().listen_unix(kernel_->layout().supervisor_socket()));
    listener_.emplace(std::move(listener));
    const auto user = workshop_.installation().environment.user;
    auto named = workshop_.host().listen_unix(supervisor_name(kernel_->layout(), user));
    if (named)
        named_.emplace(std::move(*named));
    else
        workshop_.log()("warn", named.error().text); // it is needed only where the way to the socket is lost
    return {};
}

void Supervisor::check_idle() {
    if (clients_ == 0 && had_client_ && kernel_->is_idle()) idle_.open();
}

Task<> Supervisor::serve() {
    asio::co_spawn(workshop_.host().executor(), accept_clients(*listener_), asio::detached);
    if (named_) asio::co_spawn(workshop_.host().executor(), accept_clients(*named_), asio::detached);
    co_await (idle_.wait() || workshop_.host().sleep_for(first_client_wait));
    had_client_ = true; // nobody came: nobody is waited for
    check_idle();
    co_await idle_.wait();
    // From here on nobody can connect: the socket goes before the lock does.
    (void)files::remove(kernel_->layout().supervisor_socket());
    listener_->close();
    if (named_) named_->close();
}

Task<> Supervisor::accept_clients(Listener& listener) {
    while (true) {
        auto stream = co_await listener.accept();
        if (!stream) {
            if (idle_.is_open() || stream.error().code == ErrorCode::cancelled) co_return;
            workshop_.log()("warn", stream.error().text);
            co_await workshop_.host().sleep_for(Milliseconds(100)); // out of descriptors: let some go
            continue;
        }
        const auto user = stream->peer_user();
        if (!user || (*user != workshop_.installation().environment.user && *user != 0)) continue;
        ++clients_;
        asio::co_spawn(workshop_.host().executor(), serve_client(std::move(*stream)),
                       [this](const std::exception_ptr&) {
                           --clients_;
                           check_idle();
                       });
    }
}

Task<> Supervisor::serve_client(Stream stream) {
    auto first = co_await (stream.read_line(request_bytes_max) || workshop_.host().sleep_for(request_wait));
    if (first.index() != 0) co_return;
    const auto line = std::get<0>(std::move(first));
    if (!line || !*line) co_return; // it only looked whether somebody is here
    had_client_ = true;
    auto request = parse_request(**line);
    if (request && request->operation != Operation::up && request->operation != Operation::down &&
        request->operation != Operation::bootstrap)
        request = fail(ErrorCode::protocol, "a supervisor performs up, down and bootstrap only");
    Sinks sinks;
    sinks.push_back(make_client_sink(stream.duplicate()));
    if (!request) {
        Request refused;
        refused.operation = Operation::supervise;
        Run run(workshop_.host().clock(), refused, "", workshop_.installation().version);
        run.bus().add_sink(std::move(sinks.front()));
        run.reject({request.error()});
        co_return;
    }
    const auto cancel = std::make_shared<Gate>(workshop_.host().executor());
    Gate never(workshop_.host().executor());
    auto watch = [](Stream& from, Gate& gate, Gate& forever) -> Task<> {
        co_await watch_for_cancel(from, gate);
        co_await forever.wait(); // the run, not the client, decides when this ends
    };
    co_await (kernel_->perform(std::move(*request), std::move(sinks), cancel) || watch(stream, *cancel, never));
    // The last client of an idle supervisor is let go by the end of this process, so that a `down` that has returned
    // has left no process behind.
    if (clients_ == 1 && kernel_->is_idle())
        (void)stream.duplicate().release();
    else
        stream.shutdown();
}

} // namespace castra
