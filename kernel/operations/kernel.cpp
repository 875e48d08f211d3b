// SPDX-License-Identifier: Apache-2.0
#include "operations/kernel.hpp"

#include "operations/embedded_operations.hpp"
#include "operations/embedded_sink.hpp"
#include "operations/exit_code.hpp"
#include "operations/lent_broker_launcher.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdlib>
#include <future>
#include <thread>
#include <unistd.h>

namespace castra {
namespace {

constexpr std::chrono::milliseconds shut_wait{2000}; // for the reporter's last call to return

std::string variable(const std::string& given, const char* name) {
    if (!given.empty()) return given;
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): as the embedder's own main would
    return value != nullptr ? value : "";
}

Installation installation_of(const KernelOptions& options) {
    Installation made;
    auto& environment = made.environment;
    environment.castra_home = variable(options.castra_home, "CASTRA_HOME");
    environment.home = variable("", "HOME").empty() ? "/" : variable("", "HOME");
    environment.xdg_state_home = variable(options.xdg_state_home, "XDG_STATE_HOME");
    environment.xdg_runtime_dir = variable(options.xdg_runtime_dir, "XDG_RUNTIME_DIR");
    environment.xdg_cache_home = variable(options.xdg_cache_home, "XDG_CACHE_HOME");
    environment.user = ::geteuid();
    environment = with_absolute_directories(std::move(environment));
    made.version = "embedded";
    made.program = options.prefix / "bin/castra";
    made.plugin_dir = options.prefix / "lib/castra/plugins";
    made.share_dir = options.prefix / "share/castra";
    made.cores = std::max(1U, std::thread::hardware_concurrency());
    return made;
}

} // namespace

// Everything below belongs to `thread`. Order of its end: the project, then the loop with whatever waits in it
// (watchers hold machines, those hold instances of plugins), and only then who plugins talk to.
struct Kernel::Core {
    explicit Core(KernelOptions options)
        : log([given = std::move(options.log)](std::string_view level, std::string_view text) {
              if (given) given(level, text);
          }),
          loop(std::make_unique<asio::io_context>(1)), host(make_system_host(*loop, clock)),
          workshop(std::make_unique<Workshop>(installation_of(options), *host, log, PluginHome::own_process)),
          operations(*workshop, options.config.string()), work(asio::make_work_guard(*loop)) {
        sigset_t all; // signals are the embedder's
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread = std::thread([this] { loop->run(); });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;
    ~Core() {
        asio::post(*loop, [this] {
            operations.let_go();
            loop->stop();
        });
        thread.join();
        work.reset(); // it refers to the loop
        loop.reset(); // and with it what still waits there, while all that it uses is here
    }

    // Starts `task` in the thread and waits for it, as the options say.
    OperationOutcome perform(const OperationOptions& options, Reporter& reporter, EmbeddedOperations::Work work_to_do);

    Log log;
    SystemClock clock;
    std::unique_ptr<asio::io_context> loop;
    std::unique_ptr<Host> host;
    std::unique_ptr<Workshop> workshop;
    EmbeddedOperations operations;
    asio::executor_work_guard<asio::io_context::executor_type> work;
    std::thread thread;
    bool is_stuck = false;
};

OperationOutcome Kernel::Core::perform(const OperationOptions& options, Reporter& reporter,
                                       EmbeddedOperations::Work work_to_do) {
    if (is_stuck) {
        OperationOutcome none;
        none.exit_code = exit_code::aborted;
        none.message = "an earlier operation of this Kernel has not come to its end";
        return none;
    }
    work_to_do.request.vms = options.vms;
    const auto passage = std::make_shared<Passage>(reporter);
    const auto cancel = std::make_shared<Gate>(host->executor());
    const auto open_cancel = [this, cancel] { asio::post(*loop, [cancel] { cancel->open(); }); };
    const auto done = std::make_shared<std::promise<RunResult>>();
    auto result = done->get_future();
    asio::co_spawn(*loop, operations.perform(work_to_do, make_sinks(passage), cancel),
                   [done](const std::exception_ptr& thrown, RunResult returned) {
                       if (thrown)
                           done->set_exception(thrown);
                       else
                           done->set_value(returned);
                   });
    const std::stop_callback stopping(options.cancel, open_cancel);
    if (result.wait_for(options.wait_max) != std::future_status::ready) open_cancel();
    const bool is_over = result.wait_for(options.farewell_wait) == std::future_status::ready;
    const bool is_shut = passage->shut(shut_wait);
    auto outcome = passage->outcome();
    outcome.is_over = is_over && is_shut;
    is_stuck = !is_over;
    if (!is_over) {
        outcome.outcome = contract::Outcome::aborted;
        outcome.exit_code = exit_code::aborted;
        outcome.message = "the operation did not end within its time";
        return outcome;
    }
    try {
        const auto returned = result.get();
        outcome.outcome = returned.outcome;
        outcome.exit_code = returned.exit_code;
    } catch (const std::exception& error) { // a bug of ours; the run has been concluded as aborted
        outcome.outcome = contract::Outcome::aborted;
        outcome.exit_code = exit_code::aborted;
        outcome.message = std::string("a bug of castra: ") + error.what();
    }
    return outcome;
}

Kernel::Kernel(KernelOptions options) : core_(std::make_unique<Core>(std::move(options))) {}

Kernel::~Kernel() {
    if (!core_->is_stuck) return;
    core_->thread.detach(); // what it works with has to stay
    (void)core_.release();
}

namespace {

EmbeddedOperations::Work work_of(Operation operation) {
    EmbeddedOperations::Work work;
    work.request.operation = operation;
    return work;
}

EmbeddedOperations::Work work_of(const UpOptions& options) {
    auto work = work_of(Operation::up);
    if (options.plan) work.plan = PlanOf::up;
    work.request.keep_going = options.keep_going;
    work.request.replace = options.replace;
    work.request.force = options.force;
    work.request.broker_only = options.broker_only;
    work.request.strict = options.strict;
    work.request.grease = options.grease;
    work.request.bootstrap = options.bootstrap;
    return work;
}

} // namespace

OperationOutcome Kernel::up(const UpOptions& options, Reporter& reporter) {
    return core_->perform(options, reporter, work_of(options));
}

OperationOutcome Kernel::up(const UpOptions& options, BrokerLauncher& launcher, Reporter& reporter) {
    auto work = work_of(options);
    const auto lent = std::make_shared<LentBrokerLauncher>(launcher);
    work.broker_launcher = lent;
    auto outcome = core_->perform(options, reporter, work);
    outcome.is_over = lent->take_back(shut_wait) && outcome.is_over;
    return outcome;
}

OperationOutcome Kernel::down(const DownOptions& options, Reporter& reporter) {
    auto work = work_of(Operation::down);
    work.request.timeout = options.timeout;
    return core_->perform(options, reporter, std::move(work));
}

OperationOutcome Kernel::bootstrap(const BootstrapOptions& options, Reporter& reporter) {
    auto work = work_of(Operation::bootstrap);
    if (options.plan) work.plan = PlanOf::bootstrap;
    work.request.bootstrap = options.modes;
    return core_->perform(options, reporter, std::move(work));
}

OperationOutcome Kernel::status(const OperationOptions& options, Reporter& reporter) {
    return core_->perform(options, reporter, work_of(Operation::status));
}

OperationOutcome Kernel::clean(const CleanOptions& options, Reporter& reporter) {
    auto work = work_of(Operation::clean);
    work.kinds = options.kinds;
    work.dry_run = options.dry_run;
    return core_->perform(options, reporter, std::move(work));
}

} // namespace castra
