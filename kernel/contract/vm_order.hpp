// SPDX-License-Identifier: Apache-2.0
// The order of one VM's events, rules 8 to 10. Two small automata side by side:
//   process:   absent -> live -> ready -> absent                  (vm.launch, vm.ready, vm.exited)
//   shutdown:  none -> requested -> attempted -> succeeded | timed_out -> term -> kill -> none  (complete)
// A VM that ran before the run is declared by command.accepted.running and starts as ready.
#pragma once
#include "contract/event.hpp"
#include "contract/violation.hpp"

namespace castra::contract {

class VmOrder {
public:
    VmOrder() = default;
    static VmOrder running(); // declared as running when the run began

    Check check(const Event& event) const;
    void commit(const Event& event);
    bool lives() const { return process_ != Process::absent; }
    bool is_shutting_down() const { return shutdown_ != Shutdown::none; }
    std::int64_t seq() const { return seq_; }

private:
    enum class Process { absent, live, ready };
    enum class Shutdown { none, requested, attempted, unavailable, succeeded, timed_out, term, kill };

    Check check_process(const Event& event) const;
    Check check_shutdown(const Event& event) const;

    Process process_ = Process::absent;
    Shutdown shutdown_ = Shutdown::none;
    std::int64_t seq_ = 0; // of the event before
};

} // namespace castra::contract
