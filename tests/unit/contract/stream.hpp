// SPDX-License-Identifier: Apache-2.0
// Writes events as the bus would, without its help. For the contract's tests.
#pragma once
#include "contract/encode.hpp"
#include "contract/event.hpp"
#include "contract/text.hpp"

namespace castra::contract {

class Stream {
public:
    Event next(Draft draft) {
        auto& envelope = draft.envelope;
        envelope.run_id = "01ARYZ6S410000000000000000";
        envelope.operation = "up";
        envelope.project = "demo";
        envelope.seq = ++seq_;
        envelope.time = utc_text(1700000000000000);
        envelope.elapsed_us = seq_ * 10;
        if (envelope.source.empty()) envelope.source = "kernel";
        ++counts_.of(envelope.severity);
        if (!first_error_ && envelope.severity >= Severity::error) first_error_ = seq_;
        return draft;
    }
    Event summary(Outcome outcome, int exit_code, std::vector<VmResult> vms = {}) {
        Summary summary;
        summary.outcome = outcome;
        summary.exit_code = exit_code;
        summary.events_emitted = seq_ + 1;
        summary.vms = std::move(vms);
        summary.first_error_seq = first_error_;
        if (!first_error_ && outcome == Outcome::failed) summary.first_error_seq = seq_ + 1;
        const auto severity = outcome == Outcome::failed ? Severity::error : Severity::info;
        summary.counts = counts_;
        ++summary.counts.of(severity);
        auto event = draft(summary, "done").at(severity).took(1);
        event.envelope.last = true;
        if (outcome == Outcome::failed) event.envelope.error = ErrorField{"x", "x", {}, false};
        return next(std::move(event));
    }

private:
    std::int64_t seq_ = 0;
    Counts counts_;
    std::optional<std::int64_t> first_error_;
};

inline std::string line_of(const Event& event) {
    std::string line;
    (void)encode(event, line);
    return line;
}

} // namespace castra::contract
