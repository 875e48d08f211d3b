// SPDX-License-Identifier: Apache-2.0
#include "host/run_program.hpp"

#include "host/files.hpp"

#include <csignal>

namespace castra {

std::vector<std::string> minimal_environment() {
    std::vector<std::string> env{"LANG=C"};
    for (const char* name : {"PATH", "HOME"})
        if (const char* value = std::getenv(name)) env.push_back(std::string(name) + "=" + value);
    return env;
}

Task<Result<ExitStatus>> run_program(Host& host, ProgramRun run) {
    CASTRA_CO_TRY(program, host.find_program(run.argv.at(0)));
    SpawnRequest request;
    request.program = program;
    request.argv = run.argv;
    request.env = minimal_environment();
    request.env.insert(request.env.end(), run.env.begin(), run.env.end());
    request.working_dir = run.working_dir;
    request.output_path = run.output_path;
    request.ends_with_us = true; // nobody else waits for it, and what it makes would have no owner
    CASTRA_CO_TRY(process, host.spawn(request));
    Gate never(host.executor());
    Gate& cancel = run.cancel ? *run.cancel : never;
    const auto first = co_await (process->wait() || host.sleep_for(run.deadline) || cancel.wait());
    if (process->has_exited()) co_return co_await process->wait();
    (void)process->signal(SIGKILL);
    co_await process->wait();
    if (cancel.is_open()) co_return fail(ErrorCode::cancelled, "run " + run.argv[0] + ": cancelled; it was killed");
    co_return fail(ErrorCode::timeout, "run " + run.argv[0] + ": no end within " +
                                           std::to_string(run.deadline.count()) + " ms; it was killed");
}

Task<Result<>> run_checked(Host& host, ProgramRun run) {
    const auto name = run.argv.at(0);
    const auto output_path = run.output_path;
    CASTRA_CO_TRY(status, co_await run_program(host, std::move(run)));
    if (status.exit_code == 0) co_return Result<>();
    auto how =
        status.exit_code ? "exit code " + std::to_string(*status.exit_code) : status.signal.value_or("unknown end");
    const auto tail = output_path.empty() ? std::string() : files::tail_of(output_path, 512);
    co_return fail(ErrorCode::io, "run " + name + ": " + how + (tail.empty() ? "" : ": " + tail));
}

} // namespace castra
