// SPDX-License-Identifier: Apache-2.0
#include "operations/supervisor_client.hpp"

#include "host/file_lock.hpp"
#include "host/files.hpp"
#include "host/run_program.hpp"
#include "operations/image_worker.hpp"

#include <csignal>
#include <cstdlib>

namespace castra {
namespace {

constexpr Milliseconds start_wait{15000};
constexpr int notify_fd = 3;

// Nothing of a shell's environment reaches the supervisor by accident: it outlives the shell.
std::vector<std::string> supervisor_environment() {
    auto env = minimal_environment();
    for (const char* name :
         {"CASTRA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS"})
        if (const char* value = std::getenv(name)) env.push_back(std::string(name) + "=" + value);
    for (const char* name : network_variables)
        if (const char* value = std::getenv(name)) env.push_back(std::string(name) + "=" + value);
    return env;
}

} // namespace

SupervisorStart::SupervisorStart(Workshop& workshop, Layout layout, std::string config_path)
    : workshop_(workshop), layout_(std::move(layout)), config_path_(std::move(config_path)) {}

// Somebody else's process at our path must not be told anything.
Task<Result<Stream>> SupervisorStart::connect_to_ours() {
    CASTRA_CO_TRY(stream, co_await workshop_.host().connect_unix(layout_.supervisor_socket()));
    const auto user = stream.peer_user();
    if (!user || *user != workshop_.installation().environment.user)
        co_return fail(ErrorCode::protocol,
                       "socket " + layout_.supervisor_socket().string() + " belongs to another user");
    co_return std::move(stream);
}

Result<> SupervisorStart::spawn() {
    CASTRA_TRY(pair, workshop_.host().notify_pair());
    SpawnRequest request;
    request.program = workshop_.installation().program;
    request.argv = {"castra",      "supervise",         "--config",    config_path_,
                    "--state-dir", layout_.state_dir(), "--notify-fd", std::to_string(notify_fd)};
    request.env = supervisor_environment();
    request.working_dir = "/";
    request.fds.push_back({pair.second.get(), notify_fd});
    CASTRA_TRY(process, workshop_.host().spawn(request));
    process_ = std::move(process);
    wire_.emplace(std::move(pair.first));
    return {};
}

Task<> SupervisorStart::prepare() {
    const auto running = co_await connect_to_ours();
    if (!running) (void)spawn();
}

Task<> SupervisorStart::abandon() {
    wire_.reset();
    if (!process_) co_return;
    (void)process_->signal(SIGKILL);
    co_await process_->wait();
    process_.reset();
}

Task<Result<>> SupervisorStart::go() {
    if (!process_) {
        CASTRA_CO_CHECK(spawn());
    }
    CASTRA_CO_CHECK(co_await wire_->write("GO\n"));
    auto first = co_await (wire_->read_line(4096) || workshop_.host().sleep_for(start_wait));
    std::string said = "it did not answer in time";
    if (first.index() == 0) {
        const auto& line = std::get<0>(first);
        said = line && *line ? **line : "it ended; its last words: " + files::tail_of(layout_.supervisor_log(), 512);
    }
    if (said == "READY") {
        wire_.reset();
        process_.reset(); // it is on its own from here on
        co_return Result<>();
    }
    co_await abandon();
    co_return fail(ErrorCode::io, "start the project's supervisor: " + said,
                   "see " + layout_.supervisor_log().string());
}

Task<Result<Stream>> SupervisorStart::connect() {
    auto running = co_await connect_to_ours();
    if (!running) {
        CASTRA_CO_CHECK(files::make_directories(layout_.state_dir()));
        CASTRA_CO_TRY(lock, FileLock::wait_lock(layout_.start_lock())); // held by others only while they start one
        running = co_await connect_to_ours();
        if (!running) {
            CASTRA_CO_CHECK(co_await go());
            running = co_await connect_to_ours();
        }
        (void)lock;
    }
    co_await abandon(); // somebody else was quicker
    co_return running;
}

} // namespace castra
