// SPDX-License-Identifier: Apache-2.0
// Machine::stop: cooperation, SIGTERM, SIGKILL. Woken by the process's end, never by polling.
#include "contract/text.hpp"
#include "lifecycle/control_channel.hpp"
#include "lifecycle/machine.hpp"

#include <algorithm>
#include <csignal>

namespace castra {

using contract::draft;
using contract::EscalationSignal;
using contract::TimeoutReason;

namespace {

constexpr Milliseconds identity_wait{2000};
constexpr Milliseconds ask_again_wait{1000};

class Stopwatch {
public:
    explicit Stopwatch(const Clock& clock) : clock_(clock), began_us_(clock.monotonic_us()) {}
    std::int64_t ms() const { return (clock_.monotonic_us() - began_us_) / 1000; }

private:
    const Clock& clock_;
    std::int64_t began_us_;
};
} // namespace

Task<Result<>> Machine::stop(EventBus& bus, StopTimes times) {
    const Stopwatch total(host_.clock());
    const bool adopted = state_ == VmState::running;
    const bool was_ready = state_ == VmState::ready || record_.phase == "ready";
    const auto listens = was_ready ? Listens::yes : adopted ? Listens::perhaps : Listens::no;
    CASTRA_CO_CHECK(step(VmStep::stop));
    record_.phase = "stopping";
    (void)save_record(layout_, record_); // without it a successor takes the VM for one that shall stay
    publish(bus, draft(contract::VmShutdownRequested{}, name_ + " shall stop"));
    // One await a statement: GCC 12 miscompiles them behind && and ||.
    const auto graceful = listens != Listens::no ? times.left_of(times.graceful, Milliseconds(0)) : Milliseconds(0);
    const bool cooperated = co_await cooperate(bus, graceful, adopted, listens);
    bool ended = cooperated;
    const auto sigterm = times.left_of(times.sigterm, Milliseconds(total.ms()));
    if (!ended) ended = co_await escalate(bus, EscalationSignal::sigterm, sigterm);
    if (!ended) ended = co_await escalate(bus, EscalationSignal::sigkill, times.sigkill);
    if (!ended) {
        (void)step(VmStep::survived);
        co_return fail(ErrorCode::timeout,
                       "stop VM " + name_ + ": process " + std::to_string(record_.pid) + " survived SIGKILL for " +
                           std::to_string(times.sigkill.count()) + " ms",
                       "it is stuck in the kernel of this machine; see its stack in /proc, then run castra down again");
    }
    CASTRA_CO_CHECK(step(VmStep::exited));
    contract::VmShutdownComplete event;
    event.outcome = cooperated ? contract::ShutdownOutcome::graceful : contract::ShutdownOutcome::forced;
    event.total_ms = total.ms();
    publish(bus, draft(event, name_ + " is down after " + std::to_string(event.total_ms) + " ms"));
    co_return Result<>();
}

Task<bool> Machine::exits_within(Milliseconds wait) {
    if (!exited_->is_open()) co_await (exited_->wait() || host_.sleep_for(wait));
    co_return exited_->is_open();
}

// Whoever answers on an adopted VM's control socket must show that it is this VM before it is told anything.
Task<Result<>> Machine::prove_identity(Milliseconds wait) {
    if (!plan_.identity) co_return Result<>();
    const auto deadline = std::min(identity_wait, wait);
    co_return co_await converse(host_, socket_path(plan_.identity->socket), plan_.identity->exchanges, deadline);
}

std::filesystem::path Machine::socket_path(const std::string& name) const {
    for (const auto& socket : plan_.sockets)
        if (socket.name == name) return socket.path;
    return {};
}

// All ways together have `graceful`. A guest that may not listen yet, as nobody has seen it ready, is asked again and
// again.
Task<bool> Machine::cooperate(EventBus& bus, Milliseconds graceful, bool adopted, Listens listens) {
    const Stopwatch all(host_.clock());
    if (graceful.count() > 0) {
        const bool ended = co_await cooperate_by_agent(bus, plan_.stop.empty() ? graceful : graceful / 2);
        if (ended) co_return true;
    }
    contract::VmCooperativeAttempted attempted;
    if (graceful.count() == 0 || plan_.stop.empty()) {
        contract::VmCooperativeTimedOut timed_out;
        attempted.method = "unavailable";
        publish(bus, draft(attempted, name_ + " cannot be asked to power down"));
        timed_out.reason = TimeoutReason::channel_unavailable;
        timed_out.detail = listens == Listens::no ? "the guest is not ready"
                           : plan_.stop.empty()   ? "its launcher planned no cooperative method"
                                                  : "no time is given to it";
        publish(bus, draft(timed_out, name_ + ": " + *timed_out.detail).at(contract::Severity::info));
        co_return false;
    }
    for (const auto& method : plan_.stop) {
        const auto left = graceful - Milliseconds(all.ms());
        if (left.count() <= 0) co_return false;
        const Stopwatch watch(host_.clock());
        attempted.method = method.method;
        attempted.timeout_ms = left.count();
        publish(bus, draft(attempted, name_ + " is asked to power down by " + method.method));
        auto rest = [&] { return std::max(left - Milliseconds(watch.ms()), Milliseconds(0)); };
        Result<> asked;
        if (adopted) asked = co_await prove_identity(left);
        if (asked) asked = co_await converse(host_, socket_path(method.socket), method.exchanges, rest());
        const auto turn = [&] { return listens == Listens::yes ? rest() : std::min(ask_again_wait, rest()); };
        bool ended = co_await exits_within(asked ? turn() : Milliseconds(0));
        while (!ended && asked && listens == Listens::perhaps && rest().count() > 0) {
            // One that is on its way out already may take nothing more.
            (void)co_await converse(host_, socket_path(method.socket), method.exchanges, rest());
            ended = co_await exits_within(turn());
        }
        if (ended) {
            publish_exit(bus, true, "shutdown");
            publish(bus, draft(contract::VmCooperativeSucceeded{watch.ms()}, name_ + " powered itself down"));
            co_return true;
        }
        contract::VmCooperativeTimedOut timed_out;
        timed_out.waited_ms = watch.ms();
        timed_out.reason = asked ? TimeoutReason::timeout_expired : TimeoutReason::channel_error;
        if (!asked) timed_out.detail = contract::clean_text(asked.error().text, 1024, true);
        publish(bus, draft(timed_out, name_ + " did not power itself down" + (asked ? "" : ": " + *timed_out.detail))
                         .cure("castra goes on by other means; does the guest handle its power button?"));
    }
    co_return false;
}

Task<bool> Machine::escalate(EventBus& bus, EscalationSignal signal, Milliseconds wait) {
    contract::VmShutdownEscalated event;
    event.signal = signal;
    event.timeout_ms = wait.count();
    auto notice = draft(event, name_ + " is sent " + std::string(contract::text_of(signal)));
    // Where no cooperation was possible SIGTERM is the ordinary way and nobody has to look.
    if (signal == EscalationSignal::sigterm && plan_.stop.empty()) notice.envelope.severity = contract::Severity::info;
    publish(bus, std::move(notice));
    (void)process_->signal(signal == EscalationSignal::sigterm ? SIGTERM : SIGKILL);
    const bool ended = co_await exits_within(wait);
    if (!ended) co_return false;
    publish_exit(bus, true, "shutdown");
    co_return true;
}

} // namespace castra
