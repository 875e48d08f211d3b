// SPDX-License-Identifier: Apache-2.0
// What each severity means, and where it stands on the scales of others: OpenTelemetry's SeverityNumber and syslog's
// level. Published with the contract; what maps events to those systems reads it here.
#pragma once
#include "contract/enums.hpp"

namespace castra::contract {

struct SeverityMeaning {
    Severity severity;
    std::string_view owed; // by a person
    int opentelemetry, syslog;
};

// In the order of the enumerators: severities[i].severity == Severity(i).
inline constexpr std::array<SeverityMeaning, EnumText<Severity>::values.size()> severities{{
    {Severity::progress, "nothing: work in flight; the only one that may be coalesced", 8, 7},
    {Severity::info, "nothing: a change worth knowing", 9, 6},
    {Severity::warn, "a look: recoverable", 13, 4},
    {Severity::error, "work is blocked", 17, 3},
    {Severity::blocker, "a person is needed now", 21, 2},
}};

constexpr const SeverityMeaning& meaning_of(Severity severity) {
    return severities[static_cast<std::size_t>(severity)];
}

} // namespace castra::contract
