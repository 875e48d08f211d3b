// SPDX-License-Identifier: Apache-2.0
// Descriptors 0, 1 and 2, any of which may be closed when a program is started (castra up >&-, cron, a daemon).
#pragma once

namespace castra {

// Puts /dev/null on each that is closed; else the next files that are opened would get these numbers, and what is
// printed would go into them. Reading stdin comes to an end then, writing stdout fails: what was asked for is lost, and
// must not count as told. Before anything else is opened.
void keep_standard_descriptors();
// Whether stdout was open for writing at all.
bool stdout_is_open();

} // namespace castra
