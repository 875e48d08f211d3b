// SPDX-License-Identifier: Apache-2.0
#include "operations/broker_handshakes.hpp"

namespace castra {

Task<Result<Handshake>> BrokerHandshakes::wait(std::string vm, std::string incarnation, std::string identity,
                                               Milliseconds timeout, Gate& cancel) {
    // The broker vouches for the VM's name and nothing else.
    if (!identity.empty() && identity != vm)
        co_return fail(ErrorCode::not_found, "the guest of " + vm + " is never going to prove that it is " + identity,
                       "leave the identity out, or name the VM");
    if (!keeper_.is_open()) co_return fail(ErrorCode::not_found, "the broker does not run", "castra up starts it");
    co_await (keeper_.wait_session(vm, incarnation) || host_.sleep_for(timeout) || cancel.wait());
    if (const auto session = keeper_.session_of(vm, incarnation))
        co_return Handshake{session->session, vm, session->capabilities};
    if (cancel.is_open()) co_return fail(ErrorCode::cancelled, "cancelled while waiting for the guest of " + vm);
    co_return fail(ErrorCode::timeout,
                   "the guest of " + vm + " did not say hello to the broker within " + std::to_string(timeout.count()) +
                       " ms",
                   "does castra-agent run in it?");
}

} // namespace castra
