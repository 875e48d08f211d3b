// SPDX-License-Identifier: Apache-2.0
#include "contract/vm_order.hpp"

namespace castra::contract {

VmOrder VmOrder::running() {
    VmOrder order;
    order.process_ = Process::ready;
    return order;
}

Check VmOrder::check(const Event& event) const {
    if (auto bad = check_process(event)) return bad;
    return check_shutdown(event);
}

Check VmOrder::check_process(const Event& event) const {
    if (lives()) {
        if (event.is<VmOverlayPrepared>()) return violation(8, "an overlay is prepared under a live VM", seq_);
        if (event.is<VmLaunch>()) return violation(8, "a second incarnation is launched", seq_);
        if (event.is<VmReady>() && process_ == Process::ready) return violation(8, "the VM is ready twice", seq_);
        if (event.is<VmShutdownComplete>()) return violation(9, "shutdown completes while the VM lives", seq_);
        if (event.is<VmOverlayDiscarded>()) return violation(10, "the overlay of a live VM is discarded", seq_);
        return {};
    }
    if (event.is<VmReady>()) return violation(8, "the VM is ready before its launch", seq_);
    if (event.is<VmExited>()) return violation(8, "a VM that does not run exits", seq_);
    return {};
}

Check VmOrder::check_shutdown(const Event& event) const {
    const auto need = [&](bool allowed, const char* why) -> Check {
        return allowed ? Check{} : violation(9, event.envelope.type + " " + why, seq_);
    };
    if (event.is<VmShutdownRequested>()) return need(shutdown_ == Shutdown::none, "comes twice");
    if (event.is<VmCooperativeAttempted>())
        return need(shutdown_ == Shutdown::requested || shutdown_ == Shutdown::unavailable ||
                        shutdown_ == Shutdown::timed_out,
                    "needs a request, and no attempt under way");
    if (event.is<VmCooperativeSucceeded>()) return need(shutdown_ == Shutdown::attempted, "needs an attempt");
    if (event.is<VmCooperativeTimedOut>())
        return need(shutdown_ == Shutdown::attempted || shutdown_ == Shutdown::unavailable, "needs an attempt");
    if (const auto* escalated = event.as<VmShutdownEscalated>())
        return escalated->signal == EscalationSignal::sigkill
                   ? need(shutdown_ == Shutdown::term, "with SIGKILL needs SIGTERM before")
                   : need(shutdown_ == Shutdown::timed_out || shutdown_ == Shutdown::unavailable,
                          "needs cooperation to have timed out");
    if (event.is<VmShutdownComplete>())
        return need(shutdown_ != Shutdown::none && shutdown_ != Shutdown::attempted,
                    "needs a request and no open attempt");
    return {};
}

void VmOrder::commit(const Event& event) {
    seq_ = event.envelope.seq;
    if (event.is<VmLaunch>()) process_ = Process::live;
    if (event.is<VmReady>()) process_ = Process::ready;
    if (event.is<VmExited>()) process_ = Process::absent;
    if (event.is<VmShutdownRequested>()) shutdown_ = Shutdown::requested;
    if (const auto* attempted = event.as<VmCooperativeAttempted>())
        shutdown_ = attempted->method == "unavailable" ? Shutdown::unavailable : Shutdown::attempted;
    if (event.is<VmCooperativeSucceeded>()) shutdown_ = Shutdown::succeeded;
    if (event.is<VmCooperativeTimedOut>()) shutdown_ = Shutdown::timed_out;
    if (const auto* escalated = event.as<VmShutdownEscalated>())
        shutdown_ = escalated->signal == EscalationSignal::sigkill ? Shutdown::kill : Shutdown::term;
    if (event.is<VmShutdownComplete>()) shutdown_ = Shutdown::none;
}

} // namespace castra::contract
