// SPDX-License-Identifier: Apache-2.0
#include "contract/run_order.hpp"

#include <algorithm>

namespace castra::contract {
namespace {

std::size_t severity_index(std::string_view text) {
    const auto& values = EnumText<Severity>::values;
    return static_cast<std::size_t>(std::ranges::find(values, text) - values.begin());
}

const std::string& text_in(const Json& event, const char* key) {
    return event.at(key).get_ref<const std::string&>();
}

bool is_failure(const Json& event) {
    const auto& severity = text_in(event, "severity");
    return severity == "error" || severity == "blocker";
}

} // namespace

Check RunOrder::check(const Json& event) const {
    if (auto bad = check_place(event)) return bad;
    if (const auto seq = event["seq"].get<std::int64_t>(); seq != seq_ + 1)
        return violation(2, "seq " + std::to_string(seq) + " follows " + std::to_string(seq_), seq_);
    if (seq_ > 0 && text_in(event, "run_id") != run_id_)
        return violation(2, "run_id changes from " + run_id_ + " to " + text_in(event, "run_id"), seq_);
    if (event["elapsed_us"].get<std::int64_t>() < elapsed_us_) return violation(2, "elapsed_us decreases", seq_);
    if (event.contains("cause_seq") && event["cause_seq"].get<std::int64_t>() >= event["seq"].get<std::int64_t>())
        return violation(16, "cause_seq does not point back");
    if (event["type"] == "summary") return check_summary(event);
    if (event.value("last", false)) return violation(3, "last stands on an event that is no summary");
    return {};
}

Check RunOrder::check_place(const Json& event) const {
    const auto& type = text_in(event, "type");
    const bool opens = type == "command.accepted" || type == "command.rejected";
    switch (phase_) {
    case Phase::start:
        if (!opens) return violation(1, type + " comes before command.accepted or command.rejected");
        return {};
    case Phase::open:
        if (opens) return violation(1, type + " comes a second time", 1);
        return {};
    case Phase::rejected:
        if (type != "summary") return violation(6, type + " follows command.rejected", 1);
        return {};
    case Phase::sealed:
        return violation(3, type + " follows summary", seq_);
    }
    return {};
}

Check RunOrder::check_summary(const Json& event) const {
    if (!event.value("last", false)) return violation(3, "summary lacks last");
    if (event["events_emitted"] != event["seq"]) return violation(4, "events_emitted is not its own seq");
    auto counts = counts_;
    ++counts[severity_index(text_in(event, "severity"))];
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const auto name = std::string(EnumText<Severity>::values[i]) + "_events";
        if (event["counts"].at(name) != counts[i])
            return violation(4, "counts." + name + " should be " + std::to_string(counts[i]));
    }
    const auto failures = counts[severity_index("error")] + counts[severity_index("blocker")];
    const auto& outcome = text_in(event, "outcome");
    const bool ok = outcome == "succeeded";
    if (ok != (event["exit_code"] == 0)) return violation(5, "outcome " + outcome + " disagrees with exit_code");
    if (ok && failures > 0) return violation(5, "outcome succeeded disagrees with events of severity error");
    if (outcome == "failed" && failures == 0) return violation(5, "outcome failed without an event of severity error");
    if (outcome == "failed" && !is_failure(event)) return violation(17, "a failed summary has severity error");
    if (outcome == "failed" && !event.contains("error")) return violation(17, "a failed summary has an error");
    return {};
}

void RunOrder::commit(const Json& event) {
    const auto& type = text_in(event, "type");
    if (type == "command.accepted") phase_ = Phase::open;
    if (type == "command.rejected") phase_ = Phase::rejected;
    if (type == "summary") phase_ = Phase::sealed;
    run_id_ = text_in(event, "run_id");
    seq_ = event["seq"].get<std::int64_t>();
    elapsed_us_ = event["elapsed_us"].get<std::int64_t>();
    ++counts_[severity_index(text_in(event, "severity"))];
}

} // namespace castra::contract
