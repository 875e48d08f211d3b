// SPDX-License-Identifier: Apache-2.0
#include "operations/supervisor_client.hpp"

#include "host/file_lock.hpp"
#include "host/files.hpp"
#include "host/run_program.hpp"

#include <csignal>
#include <cstdlib>

namespace castra {
namespace {

constexpr Milliseconds start_wait{15000};
constexpr int notify_fd = 3;

// Somebody else's process at our path must not be told anything.
Task<Result<Stream>> connect_to_ours(Workshop& workshop, const Layout& layout) {
    CASTRA_CO_TRY(stream, co_await workshop.host().connect_unix(layout.supervisor_socket()));
    const auto user = stream.peer_user();
    if (!user || *user != workshop.installation().environment.user)
        co_return fail(ErrorCode::protocol,
                       "socket " + layout.supervisor_socket().string() + " belongs to another user");
    co_return std::move(stream);
}

// Nothing of a shell's environment reaches the supervisor by accident: it outlives the shell.
std::vector<std::string> supervisor_environment() {
    auto env = minimal_environment();
    for (const char* name :
         {"CASTRA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS"})
        if (const char* value = std::getenv(name)) env.push_back(std::string(name) + "=" + value);
    return env;
}

Task<Result<>> start_supervisor(Workshop& workshop, const Layout& layout, const std::string& config_path) {
    auto& host = workshop.host();
    CASTRA_CO_TRY(pair, host.notify_pair());
    SpawnRequest request;
    request.program = workshop.installation().program;
    request.argv = {"castra",      "supervise",        "--config",    config_path,
                    "--state-dir", layout.state_dir(), "--notify-fd", std::to_string(notify_fd)};
    request.env = supervisor_environment();
    request.working_dir = "/";
    request.output_path = layout.supervisor_log();
    request.fds.push_back({pair.second.get(), notify_fd});
    CASTRA_CO_TRY(process, host.spawn(request));
    pair.second.reset();
    auto first = co_await (pair.first.read_line(4096) || host.sleep_for(start_wait));
    if (first.index() == 0)
        if (const auto& line = std::get<0>(first); line && *line) {
            if (**line == "READY") co_return Result<>();
            co_return fail(ErrorCode::io, "start the project's supervisor: " + **line,
                           "see " + layout.supervisor_log().string());
        }
    (void)process->signal(SIGKILL);
    co_await process->wait();
    co_return fail(ErrorCode::io,
                   "start the project's supervisor: it " +
                       std::string(first.index() == 0 ? "ended" : "did not answer in time") +
                       "; its last words: " + files::tail_of(layout.supervisor_log(), 512),
                   "see " + layout.supervisor_log().string());
}

} // namespace

Task<Result<Stream>> connect_supervisor(Workshop& workshop, const Layout& layout, const std::string& config_path,
                                        bool start) {
    auto running = co_await connect_to_ours(workshop, layout);
    if (running) co_return std::move(*running);
    if (!start) co_return fail(ErrorCode::not_found, "no supervisor of this project runs");
    CASTRA_CO_CHECK(files::make_directories(layout.state_dir()));
    CASTRA_CO_TRY(lock, FileLock::wait_lock(layout.start_lock())); // held by others only while they start one
    running = co_await connect_to_ours(workshop, layout);
    if (running) co_return std::move(*running);
    CASTRA_CO_CHECK(co_await start_supervisor(workshop, layout, config_path));
    (void)lock;
    co_return co_await connect_to_ours(workshop, layout);
}

} // namespace castra
