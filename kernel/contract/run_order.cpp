// SPDX-License-Identifier: Apache-2.0
#include "contract/run_order.hpp"

#include "contract/exit_codes.hpp"

namespace castra::contract {
namespace {

std::size_t index_of(Severity severity) {
    return static_cast<std::size_t>(severity);
}

} // namespace

Check RunOrder::check(const Event& event) const {
    const auto& envelope = event.envelope;
    if (auto bad = check_place(event)) return bad;
    if (envelope.seq != seq_ + 1)
        return violation(2, "seq " + std::to_string(envelope.seq) + " follows " + std::to_string(seq_), seq_);
    if (seq_ > 0 && envelope.run_id != run_id_)
        return violation(2, "run_id changes from " + run_id_ + " to " + envelope.run_id, seq_);
    if (envelope.elapsed_us < elapsed_us_) return violation(2, "elapsed_us decreases", seq_);
    if (envelope.cause_seq && (*envelope.cause_seq >= envelope.seq || *envelope.cause_seq < 1))
        return violation(16, "cause_seq does not point back");
    if (const auto* summary = event.as<Summary>()) return check_summary(event, *summary);
    if (envelope.last.value_or(false)) return violation(3, "last stands on an event that is no summary");
    return {};
}

Check RunOrder::check_place(const Event& event) const {
    const auto& type = event.envelope.type;
    const bool opens = event.is<CommandAccepted>() || event.is<CommandRejected>();
    switch (phase_) {
    case Phase::start:
        if (!opens) return violation(1, type + " comes before command.accepted or command.rejected");
        return {};
    case Phase::open:
        if (opens) return violation(1, type + " comes a second time", 1);
        return {};
    case Phase::rejected:
        if (!event.is<Summary>()) return violation(6, type + " follows command.rejected", 1);
        return {};
    case Phase::sealed:
        if (event.is<Summary>()) return violation(4, "a second summary", seq_);
        return violation(3, type + " follows summary", seq_);
    }
    return {};
}

Check RunOrder::check_summary(const Event& event, const Summary& summary) const {
    if (!event.envelope.last.value_or(false)) return violation(3, "summary lacks last");
    if (summary.events_emitted != event.envelope.seq) return violation(4, "events_emitted is not its own seq");
    auto counts = counts_;
    ++counts[index_of(event.envelope.severity)];
    const auto& told = summary.counts;
    const std::array claimed{told.progress_events, told.info_events, told.warn_events, told.error_events,
                             told.blocker_events};
    for (std::size_t i = 0; i < counts.size(); ++i)
        if (claimed[i] != counts[i])
            return violation(4, "counts." + std::string(EnumText<Severity>::values[i]) + "_events should be " +
                                    std::to_string(counts[i]));
    auto first_error = first_error_seq_;
    if (!first_error && event.envelope.severity >= Severity::error) first_error = event.envelope.seq;
    if (summary.first_error_seq != first_error)
        return violation(4, "first_error_seq is not the first event of severity error");
    const auto failures = counts[index_of(Severity::error)] + counts[index_of(Severity::blocker)];
    const bool ok = summary.outcome == Outcome::succeeded;
    if (ok != (summary.exit_code == 0))
        return violation(5, "outcome " + std::string(text_of(summary.outcome)) + " disagrees with exit_code");
    for (const auto& [outcome, code] : {std::pair(Outcome::partial, exit_code_of("partial")),
                                        std::pair(Outcome::cancelled, exit_code_of("cancelled")),
                                        std::pair(Outcome::aborted, exit_code_of("aborted"))})
        if (summary.outcome == outcome && summary.exit_code != code)
            return violation(5, "outcome " + std::string(text_of(outcome)) + " has exit code " + std::to_string(code));
    if (ok && failures > 0) return violation(5, "outcome succeeded disagrees with events of severity error");
    if (summary.outcome == Outcome::failed && failures == 0)
        return violation(5, "outcome failed without an event of severity error");
    return {};
}

void RunOrder::commit(const Event& event) {
    if (event.is<CommandAccepted>()) phase_ = Phase::open;
    if (event.is<CommandRejected>()) phase_ = Phase::rejected;
    if (event.is<Summary>()) phase_ = Phase::sealed;
    if (seq_ == 0) run_id_ = event.envelope.run_id;
    seq_ = event.envelope.seq;
    elapsed_us_ = event.envelope.elapsed_us;
    ++counts_[index_of(event.envelope.severity)];
    if (!first_error_seq_ && event.envelope.severity >= Severity::error) first_error_seq_ = seq_;
}

} // namespace castra::contract
