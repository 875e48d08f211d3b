// SPDX-License-Identifier: Apache-2.0
// BrokerKeeper: the process. What it reports is in broker_news.cpp.
#include "operations/broker_keeper.hpp"

#include "config/named_ports.hpp"
#include "contract/text.hpp"
#include "host/files.hpp"
#include "host/free_port.hpp"
#include "host/run_program.hpp"
#include "lifecycle/child_fds.hpp"

#include <algorithm>
#include <csignal>

namespace castra {

using contract::draft;
using contract::Severity;
using nlohmann::json;

namespace {

constexpr Milliseconds stop_wait{3000};       // for its end after the control socket has closed
constexpr Milliseconds restart_wait_min{100}; // doubles with each restart in a row
constexpr Milliseconds restart_wait_max{10000};
constexpr std::int64_t restart_row_us = 60'000'000; // that long up: a new row

} // namespace

BrokerKeeper::BrokerKeeper(Host& host, Layout layout) : host_(host), layout_(std::move(layout)) {}

BrokerKeeper::~BrokerKeeper() = default;

Result<bool> BrokerKeeper::plan(const ProjectConfig& config, std::shared_ptr<BrokerLauncher> launcher) {
    if (runs() && !is_stopping_) return true; // it stays as it was started
    if (!launcher) return false;
    sdk::BrokerPlanRequest request;
    request.project = config.name;
    request.paths = {layout_.broker_dir(), layout_.runtime_dir()};
    const bool keeps_port = lease_ && config.broker.has_tcp && (config.broker.port == 0 || config.broker.port == port_);
    if (!keeps_port) lease_.reset();
    if (!keeps_port) port_ = 0;
    if (config.broker.has_tcp && !keeps_port) {
        auto lease = config.broker.port == 0 ? lease_free_port(host_, "127.0.0.1", "tcp", named_ports(config))
                                             : host_.lease_port("127.0.0.1", config.broker.port, "tcp");
        if (!lease) return Failure(lease.error().within("the broker"));
        port_ = lease->port;
        lease_ = std::move(*lease);
    }
    request.port = port_;
    CASTRA_TRY(plan, launcher->plan(request));
    if (plan.enabled && plan.argv.empty())
        return fail(ErrorCode::plugin, "the plan of " + launcher->id() + " is enabled and has no argv");
    plan_ = std::move(plan);
    config_ = config.broker;
    return plan_.enabled;
}

Task<Result<>> BrokerKeeper::start() {
    if (runs() && is_stopping_) co_await ended_->wait();
    if (runs() && !is_ready_) co_await (began_->wait() || ended_->wait()); // it is being started again
    if (runs()) co_return Result<>();
    is_gone_ = false;
    restarts_ = 0;
    auto started = co_await spawn();
    if (!started) co_return Failure(started.error().within("start the broker"));
    co_return Result<>();
}

Result<SpawnRequest> BrokerKeeper::spawn_request() const {
    CASTRA_TRY(program, host_.find_program(plan_.argv.front()));
    CASTRA_CHECK(files::make_directories(layout_.broker_dir()));
    SpawnRequest request;
    request.program = program;
    request.argv = plan_.argv;
    request.env = minimal_environment();
    for (const auto& [name, value] : plan_.env)
        request.env.push_back(name + "=" + value);
    request.working_dir = plan_.working_dir.empty() ? layout_.broker_dir().string() : plan_.working_dir;
    request.output_path = layout_.broker_dir() / "broker.log";
    return request;
}

Task<Result<>> BrokerKeeper::spawn() {
    CASTRA_CO_TRY(request, spawn_request());
    ChildFds fds;
    for (const auto& socket : plan_.sockets) {
        CASTRA_CO_TRY(fd, host_.listen_unix_fd(socket.path));
        fds.add(request, socket.name, std::move(fd));
    }
    CASTRA_CO_TRY(control, connected_pair());
    fds.add(request, "control", std::move(control.second));
    CASTRA_CO_TRY(notify, host_.notify_pair());
    fds.add(request, "notify", std::move(notify.second));
    if (lease_) fds.lend(request, lease_->holder);
    fds.fill_in(request);
    auto process = host_.spawn(request);
    if (!process) co_return Failure(process.error());
    process_ = std::move(*process);
    began_.emplace(host_.executor());
    ended_.emplace(host_.executor());
    is_ready_ = is_stopping_ = false;
    failure_.clear();
    control_rest_.clear();
    {
        const auto unused = std::move(fds); // the child's ends close here: its end is the end of the stream
    }
    control_ = std::make_shared<Link>(host_.executor(), std::move(control.first));
    control_->start({[weak = weak_from_this(), link = control_.get()](std::string_view bytes) {
                         const auto self = weak.lock();
                         if (self && self->control_.get() == link) self->heard(bytes);
                     },
                     {},
                     [](const std::string&) {}});
    asio::co_spawn(host_.executor(), watch(shared_from_this()), asio::detached);
    say({{"settings",
          {{"sessions_max", config_.sessions_max},
           {"frames_per_second_max", config_.frames_per_second_max},
           {"queue_bytes_max", config_.queue_bytes_max},
           {"topic_bytes_max", config_.topic_bytes_max},
           {"topics_max", config_.topics_max}}}});
    for (const auto& [vm, guest] : guests_)
        tell_guest(guest);

    const auto wait = Milliseconds(std::clamp<std::int64_t>(plan_.readiness.deadline_ms, 1, 60000));
    bool is_ready = plan_.readiness.kind != "notify";
    if (!is_ready) {
        auto said = co_await (notify.first.read_line(256) || ended_->wait() || host_.sleep_for(wait));
        is_ready =
            said.index() == 0 && std::get<0>(said) && *std::get<0>(said) && (**std::get<0>(said)).starts_with("READY");
    }
    if (is_ready && runs() && !is_stopping_) {
        is_ready_ = true;
        began_->open();
        ready_us_ = host_.clock().monotonic_us();
        contract::BrokerStarted event;
        event.pid = process_->id().pid;
        event.port = port_;
        event.endpoint = layout_.broker_socket();
        publish(draft(event, "the broker runs"));
        co_return Result<>();
    }
    is_stopping_ = true;
    const auto log = (layout_.broker_dir() / "broker.log").string();
    const auto why = !failure_.empty() ? failure_ : "it was not ready within " + std::to_string(wait.count()) + " ms";
    if (process_) (void)process_->signal(SIGKILL);
    if (process_) co_await ended_->wait();
    co_return fail(ErrorCode::launch, contract::clean_text(why, 1024, true), "read " + log);
}

Task<> BrokerKeeper::watch(std::shared_ptr<BrokerKeeper> self) {
    co_await self->process_->wait();
    const bool was_ready = self->is_ready_;
    const bool is_unexpected = !self->is_stopping_;
    self->is_ready_ = false;
    self->control_->close();
    self->process_.reset();
    if (was_ready) self->stopped(is_unexpected);
    self->ended_->open();
    if (was_ready && is_unexpected && !self->is_gone_)
        asio::co_spawn(self->host_.executor(), bring_back(self), asio::detached);
}

void BrokerKeeper::stopped(bool is_unexpected) {
    forget_sessions("the broker has ended");
    if (!is_unexpected) return publish(draft(contract::BrokerStopped{true}, "the broker is down"));
    publish(draft(contract::BrokerStopped{true}, "the broker ended unexpectedly")
                .at(Severity::warn)
                .cure("it is started again; see " + (layout_.broker_dir() / "broker.log").string()));
}

Task<> BrokerKeeper::bring_back(std::shared_ptr<BrokerKeeper> self) {
    if (self->host_.clock().monotonic_us() - self->ready_us_ > restart_row_us) self->restarts_ = 0;
    while (!self->is_gone_ && !self->runs()) {
        if (++self->restarts_ > restarts_max) {
            self->publish(
                contract::message(Severity::error,
                                  "the broker was started again " + std::to_string(restarts_max) +
                                      " times in a row and stays down",
                                  "broker_restart_limit")
                    .because({"broker_restart_limit", "the broker keeps ending", {}, true})
                    .cure("read " + (self->layout_.broker_dir() / "broker.log").string() + ", then castra up"));
            co_return;
        }
        const auto wait = std::min(restart_wait_max, restart_wait_min * (1 << (self->restarts_ - 1)));
        co_await self->host_.sleep_for(wait);
        if (self->is_gone_ || self->is_stopping_ || self->runs()) co_return;
        const auto started = co_await self->spawn();
        if (started) co_return;
        self->is_stopping_ = false; // it was ended because it did not begin, not because somebody wanted it down
    }
}

Task<bool> BrokerKeeper::stop() {
    is_pinned_ = false;
    is_stopping_ = true;
    if (!runs()) co_return false;
    const auto keep = shared_from_this();
    control_->close_when_sent();
    co_await (ended_->wait() || host_.sleep_for(stop_wait));
    if (process_) (void)process_->signal(SIGKILL);
    if (process_) co_await ended_->wait();
    guests_.clear();
    co_return true;
}

void BrokerKeeper::stop_now() {
    is_gone_ = is_stopping_ = true;
    if (control_) control_->close();
    if (process_) (void)process_->signal(SIGTERM);
    if (std::exchange(is_ready_, false)) stopped(false);
}

} // namespace castra
