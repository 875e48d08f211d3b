// SPDX-License-Identifier: Apache-2.0
#include "operations/bootstrap_runner.hpp"

#include "host/blocking_work.hpp"

#include <algorithm>

namespace castra {
namespace {

constexpr std::int64_t parallel_for_each_core = 8; // they wait for guests, mostly
constexpr Milliseconds measure_wait{3'600'000};    // hashing a payload of hundreds of GiB

std::int64_t parallel_of(const Project& project, const Installation& installation) {
    const auto wanted = project.config.bootstrap_parallel;
    return wanted > 0 ? wanted : parallel_for_each_core * installation.cores;
}

std::string key_of(const BootstrapConfig& config) {
    std::string key = config.script + '\0' + config.payload;
    for (const auto& [name, value] : config.env)
        key += '\0' + name + '\0' + value.reveal();
    return hash_of({key});
}

} // namespace

BootstrapRunner::BootstrapRunner(Workshop& workshop, const Project& project, EventBus& bus, Gate& cancel,
                                 Handshakes* handshakes)
    : workshop_(workshop), project_(project), bus_(bus), cancel_(cancel), handshakes_(handshakes),
      plugins_(workshop.installation(), workshop.registry(), &project.config),
      window_(workshop.host().executor(), parallel_of(project, workshop.installation())) {}

Task<Result<Artifact>> BootstrapRunner::measure(const BootstrapConfig& config, bool may_remember) {
    const auto key = key_of(config);
    auto& host = workshop_.host();
    if (const auto found = measured_.find(key); found != measured_.end()) {
        co_await found->second.done->wait();
        co_return measured_.at(key).artifact;
    }
    auto& entry = measured_[key];
    entry.done = std::make_unique<Gate>(host.executor());
    const KnownDigests known{DigestCache::of(workshop_.installation().environment), may_remember};
    std::function<Result<Artifact>()> work = [config, known] { return measure_artifact(config, known); };
    auto measured = co_await run_blocking<Result<Artifact>>(host, std::move(work), measure_wait);
    auto& mine = measured_.at(key);
    mine.artifact = measured ? std::move(*measured)
                             : Result<Artifact>(fail(ErrorCode::timeout, "reading the payload took more than an hour"));
    mine.done->open();
    co_return mine.artifact;
}

Task<BootstrapSubject> BootstrapRunner::subject(const VmConfig& vm, const BootstrapTarget& target, bool is_plan) {
    auto subject = subject_of(project_, vm, target);
    if (vm.bootstrap.mode == "skip" || !has_bootstrap(vm.bootstrap)) co_return subject;
    auto artifact = co_await measure(vm.bootstrap, !is_plan);
    subject.artifact = std::move(artifact);
    auto steps = make_steps(workshop_.host(), plugins_, vm.bootstrap);
    if (steps)
        subject.steps = std::move(*steps);
    else
        subject.missing.push_back(steps.error().text);
    co_return subject;
}

Task<std::optional<contract::BootstrapPlanned>> BootstrapRunner::plan(const VmConfig& vm, const BootstrapTarget& target,
                                                                      bool always_tell) {
    if (!always_tell && !has_bootstrap(vm.bootstrap)) co_return std::nullopt;
    auto about = co_await subject(vm, target, true);
    auto plan = co_await plan_bootstrap(std::move(about), project_.layout, cancel_);
    co_return std::move(plan.event);
}

Task<> BootstrapRunner::run(Machine& machine, bool always_tell) {
    const auto name = machine.name();
    const auto& vms = project_.config.vms;
    const auto vm = std::ranges::find(vms, name, &VmConfig::name);
    if (vm == vms.end() || (!always_tell && !has_bootstrap(vm->bootstrap))) co_return;
    const bool entered = co_await window_.enter(cancel_);
    if (!entered) {
        results_[name] = {BootstrapEnd::cancelled,
                          Error{ErrorCode::cancelled, "cancelled before the bootstrap of " + name, ""}};
        co_return;
    }
    struct Place {
        BootWindow& window;
        ~Place() { window.leave(); }
    } place{window_};
    const auto target = target_of(machine.record());
    auto about = co_await subject(*vm, target, false);
    auto plan = co_await plan_bootstrap(std::move(about), project_.layout, cancel_);
    Pipeline pipeline(project_.layout, workshop_.host().clock(), handshakes_);
    auto result = co_await pipeline.run(bus_, std::move(plan), cancel_, machine.ended());
    results_[name] = std::move(result);
}

} // namespace castra
