// SPDX-License-Identifier: Apache-2.0
// The event types of contract 1.0, a header a family: each struct holds the fields beyond the envelope and describes
// them once. To add one: write the struct in its family's header, list it in EventTypes below. Everything else follows.
#pragma once
#include "contract/events/bootstrap.hpp"
#include "contract/events/broker.hpp"
#include "contract/events/cleanup.hpp"
#include "contract/events/command.hpp"
#include "contract/events/message.hpp"
#include "contract/events/summary.hpp"
#include "contract/events/vm_lifecycle.hpp"

#include <tuple>

namespace castra::contract {

// The registry's list: every type that contract 1.0 has.
using EventTypes =
    std::tuple<CommandAccepted, CommandRejected, Message, VmImageVerified, VmOverlayPrepared, VmLaunch, VmReady,
               VmExited, VmShutdownRequested, VmCooperativeAttempted, VmCooperativeSucceeded, VmCooperativeTimedOut,
               VmShutdownEscalated, VmShutdownComplete, VmOverlayDiscarded, BootstrapPlanned, BootstrapStarted,
               BootstrapStep, BootstrapCompleted, BootstrapFailed, BrokerStarted, BrokerStopped, BrokerHandshake,
               BrokerSessionClosed, CleanupProgress, Summary>;

} // namespace castra::contract
