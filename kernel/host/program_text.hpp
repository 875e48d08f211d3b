// SPDX-License-Identifier: Apache-2.0
// This program's own code, mapped at once. A command touches some hundred pages of it, all over the file; taking them
// one fault at a time is a good part of its start where a fault is dear (a virtual machine, say). One call costs tens
// of microseconds. Without effect where the kernel does not know it (before Linux 5.14).
#pragma once

namespace castra {

void map_program_text() noexcept;

} // namespace castra
