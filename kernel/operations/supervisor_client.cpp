// SPDX-License-Identifier: Apache-2.0
#include "operations/supervisor_client.hpp"

#include "host/file_lock.hpp"
#include "host/files.hpp"
#include "host/run_program.hpp"
#include "operations/image_worker.hpp"
#include "operations/up_findings.hpp"

#include <csignal>
#include <cstdlib>

namespace castra {
namespace {

constexpr Milliseconds start_wait{15000};
constexpr Milliseconds judge_wait{60000};
constexpr Milliseconds farewell_wait{1000};
constexpr std::size_t answer_bytes_max = 1 << 20;
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

// What it says instead of READY, with its own code and cure.
Error complaint_of(const Result<std::string>& answer) {
    if (!answer) return answer.error();
    const auto findings = parse_findings(*answer);
    if (!findings) return findings.error();
    return findings->empty() ? Error{ErrorCode::protocol, "it said nothing", ""} : findings->front();
}

Task<> gone(Process& process) {
    (void)co_await process.wait();
}

} // namespace

SupervisorStart::SupervisorStart(Workshop& workshop, Layout layout, std::string config_path)
    : workshop_(workshop), layout_(std::move(layout)), config_path_(std::move(config_path)) {}

std::string supervisor_name(const Layout& layout, uid_t user) {
    return "@castra/supervisor/" + std::to_string(user) + "/" +
           files::sha256_of(layout.state_dir().string()).substr(0, 32);
}

// Somebody else's process at our path must not be told anything.
Task<Result<Stream>> reach_supervisor(Host& host, Layout layout, uid_t user) {
    auto stream = co_await host.connect_unix(layout.supervisor_socket());
    if (!stream) {
        if (FileLock::probe(layout.supervisor_lock())) co_return stream; // none, or one whose state was removed
        auto other = co_await host.connect_unix(supervisor_name(layout, user));
        if (!other || other->peer_user() != user) co_return Failure(stream.error());
        stream = std::move(other);
    }
    if (stream->peer_user() != user)
        co_return fail(ErrorCode::protocol,
                       "socket " + layout.supervisor_socket().string() + " belongs to another user");
    co_return stream;
}

Task<Result<Stream>> SupervisorStart::reach() {
    auto stream = co_await reach_supervisor(workshop_.host(), layout_, workshop_.installation().environment.user);
    co_return stream;
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

// Its answer of one line. Errors: io, it ended or did not answer in time; busy, somebody else has the project. It is
// gone then.
Task<Result<std::string>> SupervisorStart::ask(std::string line, Milliseconds wait) {
    const auto sent = co_await wire_->write(line + "\n");
    auto why = sent ? "it did not answer in " + std::to_string(wait.count() / 1000) + " s" : sent.error().text;
    bool is_silent = false;
    if (sent) {
        auto first = co_await (wire_->read_line(answer_bytes_max) || workshop_.host().sleep_for(wait));
        is_silent = first.index() != 0;
        if (!is_silent) {
            auto answer = std::get<0>(std::move(first));
            if (answer && *answer) co_return std::move(**answer);
            why = "it ended";
        }
    }
    const auto ended = co_await abandon();
    if (ended.signal) why = "it ended with " + *ended.signal;
    if (ended.exit_code > 0 && !is_silent) why = "it ended with exit code " + std::to_string(*ended.exit_code);
    auto code = ErrorCode::io;
    if (const auto lock = FileLock::probe(layout_.supervisor_lock()); !lock) {
        why += "; " + lock.error().text;
        if (is_silent) code = lock.error().code; // what it waited for
    }
    co_return fail(code, std::move(why));
}

Task<std::vector<Error>> SupervisorStart::judge(const Request& request) {
    const auto running = co_await reach();
    if (running) co_return std::vector<Error>();
    auto asked = request;
    asked.config = config_path_;
    if (auto spawned = spawn(); !spawned) co_return std::vector{spawned.error()};
    auto line = to_line(asked);
    line.pop_back(); // ask() ends it
    const auto answer = co_await ask("JUDGE " + line, judge_wait);
    auto findings = answer ? parse_findings(*answer) : Failure(answer.error());
    if (findings) co_return std::move(*findings);
    findings.error().hint = "castra plugin list, castra plugin validate: a plugin may have done that";
    co_return std::vector{findings.error().within("the supervisor that was started for this")};
}

Task<ExitStatus> SupervisorStart::abandon() {
    wire_.reset(); // which it takes as a word to end
    if (!process_) co_return ExitStatus{};
    (void)co_await (gone(*process_) || workshop_.host().sleep_for(farewell_wait));
    const bool is_killed = !process_->has_exited();
    (void)process_->signal(SIGKILL);
    auto ended = co_await process_->wait();
    process_.reset();
    co_return is_killed ? ExitStatus{} : ended;
}

Task<Result<>> SupervisorStart::go() {
    if (!process_) {
        CASTRA_CO_CHECK(spawn());
    }
    auto answer = co_await ask("GO", start_wait);
    if (answer && *answer == "READY") {
        wire_.reset();
        process_.reset(); // it is on its own from here on
        co_return Result<>();
    }
    (void)co_await abandon();
    auto error = complaint_of(answer);
    const auto last_words = files::tail_of(layout_.supervisor_log(), 512);
    if (!answer && !last_words.empty()) error.text += "; its last words: " + last_words;
    if (error.hint.empty()) error.hint = "see " + layout_.supervisor_log().string();
    co_return Failure(error.within("start the project's supervisor"));
}

Task<Result<Stream>> SupervisorStart::connect() {
    auto running = co_await reach();
    if (!running) {
        CASTRA_CO_CHECK(files::make_directories(layout_.state_dir()));
        CASTRA_CO_TRY(lock, FileLock::wait_lock(layout_.start_lock())); // held by others only while they start one
        running = co_await reach();
        if (!running) {
            CASTRA_CO_CHECK(co_await go());
            running = co_await reach();
        }
        (void)lock;
    }
    (void)co_await abandon(); // somebody else was quicker
    co_return running;
}

} // namespace castra
