// SPDX-License-Identifier: Apache-2.0
// The order of one VM's events, rules 8 to 10. Two small automata side by side:
//   process:   absent -> live -> ready -> absent                  (vm.launch, vm.ready, vm.exited)
//   shutdown:  none -> requested -> attempted -> succeeded | timed_out -> term -> kill -> none  (complete)
// A VM that ran before the run is declared by command.accepted.running and starts as ready.
#pragma once
#include "contract/describe.hpp"
#include "contract/violation.hpp"

namespace castra::contract {

class VmOrder {
public:
    VmOrder() = default;
    static VmOrder running(); // declared as running when the run began

    Check check(const Json& event) const;
    void commit(const Json& event);

private:
    enum class Process { absent, live, ready };
    enum class Shutdown { none, requested, attempted, succeeded, timed_out, term, kill };

    Check check_process(const std::string& type) const;
    Check check_shutdown(const std::string& type, const Json& event) const;

    Process process_ = Process::absent;
    Shutdown shutdown_ = Shutdown::none;
    std::int64_t seq_ = 0; // of the event before
};

} // namespace castra::contract
