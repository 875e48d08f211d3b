// SPDX-License-Identifier: Apache-2.0
#include "operations/image_worker.hpp"

#include "host/run_program.hpp"

#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace castra {
namespace {

constexpr std::size_t line_bytes_max = 65536;
constexpr int wire_fd = 3;
constexpr Milliseconds end_wait{2000}; // it has nothing to finish: what has arrived is on disk

std::vector<std::string> environment() {
    auto variables = minimal_environment();
    for (const auto* name : network_variables)
        if (const char* value = std::getenv(name)) variables.push_back(std::string(name) + "=" + value);
    return variables;
}

ErrorCode code_of(const std::string& word) {
    for (const auto code : {ErrorCode::preflight, ErrorCode::timeout, ErrorCode::busy, ErrorCode::not_found})
        if (to_string(code) == word) return code;
    return ErrorCode::io;
}

// Nothing: the worker goes on.
std::optional<Result<ImageWorkDone>> hear(const std::string& line, const ImageWork& work) {
    try {
        const auto said = nlohmann::json::parse(line);
        if (said.contains("progress")) {
            const auto& progress = said["progress"];
            if (work.on_progress)
                work.on_progress(progress.at("current"), progress.at("total"), progress.at("attempt"));
            return std::nullopt;
        }
        if (said.contains("note")) {
            if (work.on_note) work.on_note(said["note"]);
            return std::nullopt;
        }
        if (said.contains("failed")) {
            const auto& failed = said["failed"];
            return fail(code_of(failed.at("code")), failed.at("text"), failed.at("hint"));
        }
        const auto& done = said.at("done");
        return ImageWorkDone{done.at("sha256"), done.at("bytes"), done.at("was_there"), done.at("resumed")};
    } catch (const nlohmann::json::exception& error) {
        return fail(ErrorCode::protocol, std::string("castra-image-worker: ") + error.what());
    }
}

Task<Result<ImageWorkDone>> listen(Stream& stream, const ImageWork& work) {
    while (true) {
        const auto line = co_await stream.read_line(line_bytes_max);
        if (!line) co_return Failure(line.error());
        if (!*line) co_return fail(ErrorCode::io, "castra-image-worker ended without an answer", "see supervisor.log");
        auto answer = hear(**line, work);
        if (answer) co_return std::move(*answer);
    }
}

} // namespace

Task<Result<ImageWorkDone>> do_image_work(Host& host, ImageWork work, Gate& cancel) {
    CASTRA_CO_TRY(pair, host.notify_pair());
    auto& [stream, childs] = pair;
    SpawnRequest request;
    request.program = work.program;
    request.argv = {"castra-image-worker", std::to_string(wire_fd)};
    request.argv.insert(request.argv.end(), work.arguments.begin(), work.arguments.end());
    request.env = environment();
    request.working_dir = "/";
    request.output_to_stderr = true;
    request.fds.push_back({childs.get(), wire_fd});
    auto spawned = host.spawn(request);
    if (!spawned) co_return Failure(spawned.error());
    const auto process = std::move(*spawned);
    childs.reset();
    auto first = co_await (listen(stream, work) || cancel.wait());
    Result<ImageWorkDone> result = fail(ErrorCode::cancelled, "cancelled while an image was prepared");
    if (first.index() == 0) result = std::get<0>(std::move(first));
    (void)process->signal(SIGTERM);
    co_await (process->wait() || host.sleep_for(end_wait));
    if (!process->has_exited()) (void)process->signal(SIGKILL); // stopped, or it waits for a disk
    co_await process->wait();
    co_return result;
}

} // namespace castra
