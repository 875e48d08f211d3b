// SPDX-License-Identifier: Apache-2.0
// Reporter: who an embedder sends to be told the events of an operation. (A reporter plugin is told the same, through
// the C border; its class is castra::sdk::Reporter.) Order:  as in the journal, each event once; the last has type
// "summary". Never after the operation has returned. Thread: one of castra's own, one call at a time. It may block; one
// that is too slow for too long is let go, which is an
//         event of the run ("sink_detached") and fails nothing. Exceptions do the same.
#pragma once
#include "contract/enums.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace castra {

// Views are valid during the call.
struct ReportedEvent {
    std::string_view type, severity, vm; // vm: empty when it concerns none
    std::int64_t seq = 0;
    std::string_view line; // the exact bytes of the journal, with their line feed
};

// An event that somebody may have to act on, typed.
struct Diagnostic {
    contract::Severity severity = contract::Severity::warn;
    std::string type, code, vm, text, remediation;
    std::int64_t seq = 0;
};

class Reporter {
public:
    virtual ~Reporter() = default;
    virtual void event(const ReportedEvent& event) = 0;
    // After event(), for those of severity warn and above.
    virtual void diagnostic(const Diagnostic&) {}
};

} // namespace castra
