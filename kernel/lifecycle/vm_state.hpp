// SPDX-License-Identifier: Apache-2.0
// The life of a VM as one pure table. What is not listed is refused.
//
//   absent ---prepare---> preparing ---spawned---> booting ---ready---> ready
//     ^                       |                       |                   |
//     |                     failed                  exited              exited
//     |                       v                       v                   v
//     +-------discarded--- failed <-------------------+-------------------+   (nobody had asked for the end)
//     |
//     +-------discarded--- stopped <---exited--- stopping <---stop--- booting, ready, running
//
// A VM that survives even SIGKILL (stuck in the host's kernel) goes from stopping to running: it may be stopped again.
// running: adopted after a crash of castra; it lives, and whether it ever was ready is not known.
#pragma once
#include <array>
#include <optional>
#include <string_view>

namespace castra {

enum class VmState { absent, preparing, booting, ready, running, stopping, stopped, failed };
inline constexpr std::array vm_states{VmState::absent,  VmState::preparing, VmState::booting, VmState::ready,
                                      VmState::running, VmState::stopping,  VmState::stopped, VmState::failed};

enum class VmStep { prepare, spawned, ready, adopted, stop, survived, exited, failed, discarded };
inline constexpr std::array vm_steps{VmStep::prepare,  VmStep::spawned, VmStep::ready,  VmStep::adopted,  VmStep::stop,
                                     VmStep::survived, VmStep::exited,  VmStep::failed, VmStep::discarded};

std::string_view to_string(VmState state);
std::string_view to_string(VmStep step);

// Where `step` leads from `from`; nullopt: refused.
std::optional<VmState> next_state(VmState from, VmStep step);

constexpr bool has_process(VmState state) {
    return state == VmState::booting || state == VmState::ready || state == VmState::running ||
           state == VmState::stopping;
}

} // namespace castra
