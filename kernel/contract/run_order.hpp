// SPDX-License-Identifier: Apache-2.0
// The order of a run, rules 1 to 6 and 16, as one small automaton:
//   (start) --command.accepted--> open --summary--> sealed
//   (start) --command.rejected--> rejected --summary--> sealed
// Like every automaton here: check() decides, commit() moves; an event that was refused leaves no trace.
#pragma once
#include "contract/event.hpp"
#include "contract/violation.hpp"

namespace castra::contract {

class RunOrder {
public:
    Check check(const Event& event) const;
    void commit(const Event& event);
    void skip_to(std::int64_t seq) { seq_ = seq; }
    bool is_sealed() const { return phase_ == Phase::sealed; }
    std::int64_t seq() const { return seq_; }

private:
    enum class Phase { start, open, rejected, sealed };

    Check check_place(const Event& event) const;
    Check check_summary(const Event& event, const Summary& summary) const;

    Phase phase_ = Phase::start;
    std::string run_id_;
    std::int64_t seq_ = 0, elapsed_us_ = 0;
    std::optional<std::int64_t> first_error_seq_;
    std::array<std::int64_t, EnumText<Severity>::values.size()> counts_{};
};

} // namespace castra::contract
