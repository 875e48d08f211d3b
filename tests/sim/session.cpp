// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include "operations/clean.hpp"
#include "operations/exit_code.hpp"
#include "operations/status.hpp"

namespace castra::sim {
namespace {

// The client: takes every line, or breaks.
class Client final : public Sink {
public:
    Client(AskedPtr operation, std::weak_ptr<Proc> castra)
        : operation_(std::move(operation)), castra_(std::move(castra)) {}
    std::string name() const override { return "client"; }
    Result<> deliver(const EncodedEvents& batch) override {
        if (const auto castra = castra_.lock(); !castra || !castra->lives) return {}; // nobody sends any more
        for (const auto& event : batch) {
            if (world->faults.sink > 0 && world->random.below(1000) < world->faults.sink) {
                operation_->client_broke = true;
                return fail(ErrorCode::io, "the client is gone");
            }
            operation_->stream += event.line;
            if (world->traces()) world->note("event " + std::string(event.line.substr(0, event.line.size() - 1)));
        }
        return {};
    }
    Result<> finish() override { return {}; }

private:
    AskedPtr operation_;
    std::weak_ptr<Proc> castra_;
};

} // namespace

Installation Place::installation() {
    Installation installed;
    installed.environment.castra_home = home;
    installed.environment.home = "/sim/user";
    installed.environment.xdg_cache_home = "/sim/cache";
    installed.environment.user = 0;
    installed.version = "simulated";
    installed.program = "/sim/bin/castra";
    installed.plugin_dir = "/sim/lib";
    installed.share_dir = "/sim/share";
    installed.cores = 2;
    return installed;
}

Layout Place::layout() {
    return {installation().environment, config, ""};
}

Session::Session(int number) : proc_(world->new_proc(Proc::Role::castra, "castra-" + std::to_string(number))) {
    const As as(proc_.get());
    loop_ = std::make_unique<Loop>();
    host_ = std::make_unique<SimHost>(*loop_, clock_);
    workshop_ =
        std::make_unique<Workshop>(Place::installation(), *host_, [](std::string_view level, std::string_view text) {
            if (world->traces()) world->note("log " + std::string(level) + ": " + std::string(text));
        });
}

Session::~Session() {
    const As as(proc_.get());
    if (proc_->lives && running() == 0) { // as the supervisor does
        kernel_.reset();
        world->end(*proc_, {0, 0});
        loop_->drop();
        for (const auto& operation : operations_)
            operation->cancel.reset(); // it may not outlive the loop
        return;
    }
    // Killed half-way: no destructor runs then, and coroutines that refer to each other could not bear it.
    world->end(*proc_, {0, 9});
    (void)kernel_.release();
    (void)workshop_.release();
    (void)host_.release();
    (void)loop_.release();
    for (const auto& operation : operations_)
        (void)new std::shared_ptr<Gate>(operation->cancel);
}

bool Session::open() {
    const As as(proc_.get());
    auto opened = ProjectKernel::open(*workshop_, Place::layout(), Place::config, false);
    if (opened)
        kernel_ = std::move(*opened);
    else
        why_ = opened.error();
    return opened.has_value();
}

AskedPtr Session::perform(Request request) {
    const As as(proc_.get());
    const auto operation = std::make_shared<Asked>();
    operation->request = request;
    operation->cancel = std::make_shared<Gate>(loop_->get_executor());
    operation->began_us = world->now_us;
    operations_.push_back(operation);
    Sinks sinks;
    sinks.push_back(std::make_unique<Client>(operation, proc_));
    world->note("asked: " + to_line(request).substr(0, 200));
    asio::co_spawn(*loop_, kernel_->perform(std::move(request), std::move(sinks), operation->cancel),
                   [operation](const std::exception_ptr& thrown, RunResult result) {
                       if (thrown) world->violation("an operation threw");
                       operation->result = result;
                   });
    return operation;
}

// As cli/clean.cpp does for one project.
AskedPtr Session::clean() {
    const As as(proc_.get());
    const auto operation = std::make_shared<Asked>();
    operation->request.operation = Operation::clean;
    operation->request.config = Place::config;
    operation->began_us = world->now_us;
    const auto layout = Place::layout();
    operations_.push_back(operation);
    Run run(clock_, operation->request, "p", "simulated");
    auto lock = FileLock::try_lock(layout.operation_lock(), "castra clean");
    std::vector<Error> findings;
    if (!lock)
        findings.push_back(lock.error());
    else if (auto opened = run.open({layout.journal(run.id()), layout.quarantine(run.id())}); !opened)
        findings.push_back(opened.error());
    run.bus().add_sink(std::make_unique<Client>(operation, proc_), EventBus::default_limits());
    if (!findings.empty()) {
        operation->result = run.reject(findings);
        return operation;
    }
    run.accept({});
    Cleaner cleaner(*workshop_, run.bus(), run.id() + ".ndjson", {});
    cleaner.project({layout, Place::config, ""});
    auto& cleaned = cleaner.result();
    contract::Summary summary;
    summary.vms = cleaned.vms;
    summary.reclaimed_bytes = cleaned.reclaimed_bytes;
    summary.leftovers = cleaned.leftovers;
    if (cleaned.failed) {
        summary.outcome = contract::Outcome::failed;
        summary.exit_code = exit_code::failed;
    }
    operation->result = run.finish(std::move(summary), "cleaned");
    return operation;
}

void Session::cancel(Asked& operation) {
    const As as(proc_.get());
    world->note("cancelled");
    operation.cancel->open();
}

std::size_t Session::poll() {
    const As as(proc_.get());
    loop_->restart();
    return loop_->poll();
}

std::size_t Session::running() const {
    std::size_t count = 0;
    for (const auto& operation : operations_)
        count += !operation->result.has_value();
    return count;
}

std::map<std::string, std::string> Session::states() {
    const As as(proc_.get());
    std::map<std::string, std::string> found;
    const auto layout = Place::layout();
    asio::co_spawn(*loop_, project_status(*host_, layout, nullptr, Place::config),
                   [&](const std::exception_ptr&, const ProjectStatus& status) {
                       for (const auto& vm : status.vms)
                           found[vm.name] = vm.state + (vm.pid > 0 ? " " + std::to_string(vm.pid) : "");
                   });
    loop_->restart();
    loop_->poll();
    return found;
}

} // namespace castra::sim
