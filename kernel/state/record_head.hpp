// SPDX-License-Identifier: Apache-2.0
// A record without its plan and its spec, for who looks at a thousand VMs: they are most of a record and the last
// things in it.
#pragma once
#include "state/vm_record.hpp"

namespace castra {

// Of `plan` only `accelerator` is told, and `asks_state`: has_state_query; of `spec` only `port_forwards`. A record
// whose head is not as save_record writes it is read whole, `asks_state` added. Errors: as load_record.
Result<VmRecord> load_record_head(const Layout& layout, const std::string& vm);

} // namespace castra
