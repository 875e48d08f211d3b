// SPDX-License-Identifier: Apache-2.0
// Rule 15: within one piece of work `progress.current` never decreases, stays within `total`, and its unit is fixed. A
// piece of work is a span, or where there is none the event's type on its VM.
#pragma once
#include "contract/event.hpp"
#include "contract/violation.hpp"

#include <map>

namespace castra::contract {

class ProgressOrder {
public:
    static constexpr std::size_t works_max = 4096; // at a time; the plugin that opens more is refused

    Check check(const Event& event) const;
    void commit(const Event& event);

private:
    struct Work {
        std::int64_t current = 0;
        std::string unit;
        std::int64_t seq = 0;
    };
    std::map<std::string, Work, std::less<>> works_;
};

} // namespace castra::contract
