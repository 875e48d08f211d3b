// SPDX-License-Identifier: Apache-2.0
#include "contract/vm_order.hpp"

namespace castra::contract {
namespace {
const std::string& type_of(const Json& event) {
    return event.at("type").get_ref<const std::string&>();
}
bool is_kill(const Json& event) {
    return event.at("signal") == "SIGKILL";
}
} // namespace

VmOrder VmOrder::running() {
    VmOrder order;
    order.process_ = Process::ready;
    return order;
}

Check VmOrder::check(const Json& event) const {
    const auto& type = type_of(event);
    if (auto bad = check_process(type)) return bad;
    return check_shutdown(type, event);
}

Check VmOrder::check_process(const std::string& type) const {
    const bool lives = process_ != Process::absent;
    if (type == "vm.overlay_prepared" && lives) return violation(8, "an overlay is prepared under a live VM", seq_);
    if (type == "vm.launch" && lives) return violation(8, "a second incarnation is launched", seq_);
    if (type == "vm.ready" && process_ != Process::live)
        return violation(8, lives ? "the VM is ready twice" : "the VM is ready before its launch", seq_);
    if (type == "vm.exited" && !lives) return violation(8, "a VM that does not run exits", seq_);
    if (type == "vm.shutdown_complete" && lives) return violation(9, "shutdown completes while the VM lives", seq_);
    if (type == "vm.overlay_discarded" && lives) return violation(10, "the overlay of a live VM is discarded", seq_);
    return {};
}

Check VmOrder::check_shutdown(const std::string& type, const Json& event) const {
    auto need = [&](bool allowed, const char* why) -> Check {
        return allowed ? Check{} : violation(9, type + " " + why, seq_);
    };
    if (type == "vm.shutdown_requested") return need(shutdown_ == Shutdown::none, "comes twice");
    if (type == "vm.cooperative_attempted")
        return need(shutdown_ == Shutdown::requested || shutdown_ == Shutdown::timed_out,
                    "needs a request, and no attempt under way");
    if (type == "vm.cooperative_succeeded" || type == "vm.cooperative_timed_out")
        return need(shutdown_ == Shutdown::attempted, "needs an attempt");
    if (type == "vm.shutdown_escalated")
        return is_kill(event) ? need(shutdown_ == Shutdown::term, "with SIGKILL needs SIGTERM before")
                              : need(shutdown_ == Shutdown::timed_out, "needs cooperation to have timed out");
    if (type == "vm.shutdown_complete")
        return need(shutdown_ != Shutdown::none && shutdown_ != Shutdown::attempted,
                    "needs a request and no open attempt");
    return {};
}

void VmOrder::commit(const Json& event) {
    const auto& type = type_of(event);
    if (type == "vm.launch") process_ = Process::live;
    if (type == "vm.ready") process_ = Process::ready;
    if (type == "vm.exited") process_ = Process::absent;
    if (type == "vm.shutdown_requested") shutdown_ = Shutdown::requested;
    if (type == "vm.cooperative_attempted") shutdown_ = Shutdown::attempted;
    if (type == "vm.cooperative_succeeded") shutdown_ = Shutdown::succeeded;
    if (type == "vm.cooperative_timed_out") shutdown_ = Shutdown::timed_out;
    if (type == "vm.shutdown_escalated") shutdown_ = is_kill(event) ? Shutdown::kill : Shutdown::term;
    if (type == "vm.shutdown_complete") shutdown_ = Shutdown::none;
    seq_ = event.at("seq").get<std::int64_t>();
}

} // namespace castra::contract
