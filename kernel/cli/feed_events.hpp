// SPDX-License-Identifier: Apache-2.0
// Events of journals on their way to an output, until the end of what was asked for, a signal, or nobody reads any
// more. They make no run of their own: what there is to say beside the events goes to stderr.
#pragma once
#include "cli/app.hpp"
#include "cli/event_output.hpp"

namespace castra {

// Returns the exit code: also 11 when something that was asked for is gone.
Task<int> feed_events(App& app, const Layout& layout, FeedRequest request, EventOutput& output);
// A reader of stdout that goes away opens `stop` at once, not with the next event.
Task<> stop_when_nobody_reads(Executor executor, std::shared_ptr<Gate> stop);
// Open at a signal, or when somebody else opens it: it is not app.cancelled_by_signal() itself.
std::shared_ptr<Gate> stop_at_signal(App& app);
// A text field of an event, or nothing.
std::string text_in(const contract::Json& event, const char* key);

} // namespace castra
