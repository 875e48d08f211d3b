// SPDX-License-Identifier: Apache-2.0
// The monitor of one run: shape, then order. The bus asks it before an event is written; `events verify` will ask the
// same one afterwards. Never emits, never throws on a bad event.
// Thread: one.
#pragma once
#include "contract/run_order.hpp"
#include "contract/vm_order.hpp"

#include <map>

namespace castra::contract {

class Monitor {
public:
    // Admits the event and moves on, or says which rule it breaks and stays where it was.
    Check admit(const Json& event);
    bool is_sealed() const { return run_.is_sealed(); }

private:
    RunOrder run_;
    std::map<std::string, VmOrder, std::less<>> vms_;
};

} // namespace castra::contract
