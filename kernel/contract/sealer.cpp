// SPDX-License-Identifier: Apache-2.0
#include "contract/sealer.hpp"

namespace castra::contract {

bool Sealer::follow(std::string_view line) {
    const auto event = Json::parse(line, nullptr, false);
    if (event.is_discarded() || monitor_.admit(event)) return false;
    stamp_.run_id = event["run_id"];
    stamp_.operation = event["operation"];
    stamp_.project = event["project"];
    stamp_.seq = event["seq"];
    stamp_.elapsed_us = event["elapsed_us"];
    const auto& severity = event["severity"];
    ++(severity == "progress" ? counts_.progress_events
       : severity == "info"   ? counts_.info_events
       : severity == "warn"   ? counts_.warn_events
       : severity == "error"  ? counts_.error_events
                              : counts_.blocker_events);
    if (!first_error_seq_ && (severity == "error" || severity == "blocker")) first_error_seq_ = stamp_.seq;
    if (event["type"] == "summary") exit_code_ = event["exit_code"];
    return true;
}

std::string Sealer::seal(std::int64_t unix_us, int exit_code, const std::string& why) {
    auto stamp = stamp_;
    ++stamp.seq;
    stamp.unix_us = unix_us;
    Summary summary;
    summary.outcome = Outcome::aborted;
    summary.exit_code = exit_code;
    summary.events_emitted = stamp.seq;
    summary.counts = counts_;
    ++summary.counts.warn_events;
    summary.first_error_seq = first_error_seq_;
    auto event = draft(summary, why).at(Severity::warn).took(stamp.elapsed_us / 1000);
    event.last = true;
    event.synthetic = true;
    auto json = encode(event, stamp);
    exit_code_ = exit_code;
    auto line = to_line(json);
    (void)monitor_.admit(json);
    return line;
}

} // namespace castra::contract
