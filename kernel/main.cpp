// SPDX-License-Identifier: Apache-2.0
// Builds every object by hand; the only place that knows all of them.
#include "cli/app.hpp"
#include "host/standard_descriptors.hpp"
#include "operations/exit_code.hpp"
#include "version.hpp"

#include <cstdlib>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <thread>
#include <unistd.h>

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// Whom castra starts reads the environment too: the supervisor, ssh.
void pass_on(const char* name, const std::string& directory) {
    if (variable(name).empty() || variable(name) == directory) return;
    if (directory.empty())
        ::unsetenv(name);
    else
        ::setenv(name, directory.c_str(), 1);
}

castra::Environment environment() {
    castra::Environment asked;
    asked.castra_home = variable("CASTRA_HOME");
    asked.home = variable("HOME").empty() ? "/" : variable("HOME");
    asked.xdg_state_home = variable("XDG_STATE_HOME");
    asked.xdg_runtime_dir = variable("XDG_RUNTIME_DIR");
    asked.xdg_cache_home = variable("XDG_CACHE_HOME");
    asked.user = geteuid();
    auto used = castra::with_absolute_directories(std::move(asked));
    pass_on("CASTRA_HOME", used.castra_home);
    pass_on("HOME", used.home);
    pass_on("XDG_STATE_HOME", used.xdg_state_home);
    pass_on("XDG_RUNTIME_DIR", used.xdg_runtime_dir);
    pass_on("XDG_CACHE_HOME", used.xdg_cache_home);
    return used;
}

// Before there is another thread.
castra::Installation installation() {
    castra::Installation installed;
    installed.environment = environment();
    installed.version = castra::version;
    std::error_code error;
    installed.program = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto prefix = installed.program.parent_path().parent_path();
    installed.plugin_dir = prefix / "lib/castra/plugins";
    installed.share_dir = prefix / "share/castra";
    installed.cores = std::max(1U, std::thread::hardware_concurrency());
    return installed;
}

} // namespace

int main(int argc, char** argv) {
    castra::keep_standard_descriptors();
    try {
        const auto line = castra::parse_command_line(argc, argv, castra::version);
        // The diagnostic log; the event stream never goes through it. Quiet unless asked: events tell what people need.
        const auto logger =
            std::make_shared<spdlog::logger>("castra", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        const bool logs_much = line && line->logs_much;
        logger->set_level(spdlog::level::from_str(variable("CASTRA_LOG").empty() ? (logs_much ? "info" : "error")
                                                                                 : variable("CASTRA_LOG")));
        logger->flush_on(spdlog::level::info);
        castra::SystemClock clock;
        castra::asio::io_context loop(1);
        castra::Signals signals(loop);
        const auto host = castra::make_system_host(loop, clock);
        castra::Workshop workshop(installation(), *host, [logger](std::string_view level, std::string_view text) {
            logger->log(spdlog::level::from_str(std::string(level)), "{}", text);
        });
        castra::App app(workshop, signals);
        int code = castra::exit_code::failed;
        if (!line) {
            code = app.refuse(line.error(), argc, argv);
        } else {
            castra::asio::co_spawn(loop, app.run(*line), [&](const std::exception_ptr& thrown, int returned) {
                if (thrown) std::rethrow_exception(thrown);
                code = returned;
                loop.stop();
            });
            loop.run();
        }
        code = castra::end_of_output(code, app.answer_is_lost());
        workshop.registry().end_processes();
        // Plugins are never unloaded and a hanging reporter's thread may still run: no destructors of the process.
        std::_Exit(code);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "castra: bug: %s\n", error.what());
        return castra::exit_code::aborted;
    }
}
