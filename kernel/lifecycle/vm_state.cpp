// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/vm_state.hpp"

namespace castra {
namespace {

struct Transition {
    VmState from;
    VmStep step;
    VmState to;
};

using enum VmState;

constexpr std::array table{
    Transition{absent, VmStep::prepare, preparing},     Transition{stopped, VmStep::prepare, preparing},
    Transition{failed, VmStep::prepare, preparing},     Transition{preparing, VmStep::spawned, booting},
    Transition{booting, VmStep::ready, VmState::ready}, Transition{absent, VmStep::adopted, running},
    Transition{booting, VmStep::stop, stopping},        Transition{VmState::ready, VmStep::stop, stopping},
    Transition{running, VmStep::stop, stopping},        Transition{stopping, VmStep::exited, stopped},
    Transition{stopping, VmStep::survived, running},    Transition{booting, VmStep::exited, failed},
    Transition{VmState::ready, VmStep::exited, failed}, Transition{running, VmStep::exited, failed},
    Transition{preparing, VmStep::failed, failed},      Transition{absent, VmStep::failed, failed},
    Transition{stopped, VmStep::discarded, absent},     Transition{failed, VmStep::discarded, absent},
};

} // namespace

std::string_view to_string(VmState state) {
    constexpr std::array<std::string_view, vm_states.size()> names{"absent",  "preparing", "booting", "ready",
                                                                   "running", "stopping",  "stopped", "failed"};
    return names[static_cast<std::size_t>(state)];
}

std::string_view to_string(VmStep step) {
    constexpr std::array<std::string_view, vm_steps.size()> names{"prepare",  "spawned", "ready",  "adopted",  "stop",
                                                                  "survived", "exited",  "failed", "discarded"};
    return names[static_cast<std::size_t>(step)];
}

std::optional<VmState> next_state(VmState from, VmStep step) {
    for (const auto& row : table)
        if (row.from == from && row.step == step) return row.to;
    return std::nullopt;
}

} // namespace castra
