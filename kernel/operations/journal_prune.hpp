// SPDX-License-Identifier: Apache-2.0
// Removes the journals that a project no longer keeps, at the start of an operation: a tombstone first, then an event
// of the running operation, then the file. Never the current run; reads never prune.
#pragma once
#include "bus/event_bus.hpp"
#include "state/journal_retention.hpp"
#include "state/layout.hpp"

namespace castra {

// Requires: the project's lock, an accepted run. Errors: told as a warning of the run; then nothing was removed.
void prune_journals(const Layout& layout, const Retention& retention, EventBus& bus);

} // namespace castra
