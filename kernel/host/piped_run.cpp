// SPDX-License-Identifier: Apache-2.0
#include "host/piped_run.hpp"

#include "host/run_program.hpp"

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace castra {
namespace {

Task<> read_all(Executor executor, UniqueFd fd, std::function<void(std::string_view)> take) {
    if (!fd) co_return;
    asio::posix::stream_descriptor stream(executor, fd.release());
    std::array<char, 16384> chunk; // NOLINT(*-member-init): filled before it is read
    while (true) {
        boost::system::error_code error;
        const auto size =
            co_await stream.async_read_some(asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, error));
        if (size > 0 && take) take(std::string_view(chunk.data(), size));
        if (error) co_return; // the end, or cancelled
    }
}

Task<> until_ended(Process& process, Executor executor, UniqueFd output, UniqueFd errors, const PipedRun& run) {
    co_await (read_all(executor, std::move(output), run.on_output) &&
              read_all(executor, std::move(errors), run.on_error));
    co_await process.wait();
}

Task<> until_cancelled(std::shared_ptr<Gate> cancel, Executor executor) {
    if (!cancel) cancel = std::make_shared<Gate>(executor);
    co_await cancel->wait();
}

Task<> until_late(Host& host, Milliseconds deadline) {
    Gate never(host.executor());
    if (deadline.count() > 0)
        co_await host.sleep_for(deadline);
    else
        co_await never.wait();
}

Task<> end(Host& host, Process& process) {
    (void)process.signal(SIGTERM);
    (void)co_await (process.wait() || host.sleep_for(PipedRun::grace));
    if (process.has_exited()) co_return;
    (void)process.signal(SIGKILL);
    co_await process.wait();
}

} // namespace

Result<std::pair<UniqueFd, UniqueFd>> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("make a pipe");
    return std::pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Task<Result<ExitStatus>> run_piped(Host& host, PipedRun run) {
    CASTRA_CO_TRY(program, host.find_program(run.argv.at(0)));
    CASTRA_CO_TRY(errors, make_pipe());
    std::pair<UniqueFd, UniqueFd> output;
    if (!run.output) {
        CASTRA_CO_TRY(made, make_pipe());
        output = std::move(made);
    }
    SpawnRequest request;
    request.program = program;
    request.argv = run.argv;
    request.env = minimal_environment();
    request.env.insert(request.env.end(), run.env.begin(), run.env.end());
    request.working_dir = "/";
    if (run.input) request.fds.push_back({run.input.get(), 0});
    request.fds.push_back({run.output ? run.output.get() : output.second.get(), 1});
    request.fds.push_back({errors.second.get(), 2});
    CASTRA_CO_TRY(process, host.spawn(request));
    run.input.reset();
    run.output.reset();
    output.second.reset();
    errors.second.reset();
    const auto first =
        co_await (until_ended(*process, host.executor(), std::move(output.first), std::move(errors.first), run) ||
                  until_cancelled(run.cancel, host.executor()) || until_late(host, run.deadline));
    if (first.index() == 0 && process->has_exited()) co_return co_await process->wait();
    co_await end(host, *process);
    if (first.index() == 1) co_return fail(ErrorCode::cancelled, "run " + run.argv[0] + ": interrupted");
    co_return fail(ErrorCode::timeout, "run " + run.argv[0] + ": no end within " +
                                           std::to_string(run.deadline.count()) + " ms; it was ended");
}

} // namespace castra
