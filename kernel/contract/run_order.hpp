// SPDX-License-Identifier: Apache-2.0
// The order of a run, rules 1 to 6, 16 and 17, as one small automaton:
//   (start) --command.accepted--> open --summary--> sealed
//   (start) --command.rejected--> rejected --summary--> sealed
// check() decides, commit() moves; an event that was refused leaves no trace.
#pragma once
#include "contract/describe.hpp"
#include "contract/enums.hpp"
#include "contract/violation.hpp"

namespace castra::contract {

class RunOrder {
public:
    Check check(const Json& event) const; // of right shape
    void commit(const Json& event);
    bool is_sealed() const { return phase_ == Phase::sealed; }

private:
    enum class Phase { start, open, rejected, sealed };

    Check check_place(const Json& event) const;
    Check check_summary(const Json& event) const;

    Phase phase_ = Phase::start;
    std::string run_id_;
    std::int64_t seq_ = 0, elapsed_us_ = 0;
    std::array<std::int64_t, EnumText<Severity>::values.size()> counts_{};
};

} // namespace castra::contract
