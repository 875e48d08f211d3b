// SPDX-License-Identifier: Apache-2.0
// Follows a stream that somebody else writes and can write the summary it owes when its writer died: synthetic, outcome
// aborted, every promise concluded. Pure.
#pragma once
#include "contract/monitor.hpp"

namespace castra::contract {

class Sealer {
public:
    // A line of the stream, with or without its line feed. False: no event, or one that breaks the contract.
    bool follow(std::string_view line);
    bool is_sealed() const { return monitor_.is_sealed(); }
    bool has_begun() const { return envelope_.seq > 0; }
    int exit_code() const { return exit_code_; } // of the summary that was seen
    std::int64_t seq() const { return envelope_.seq; }

    // The lines that are owed, each with its line feed. Requires: has_begun, not is_sealed.
    std::string seal(std::int64_t unix_us, int exit_code, const std::string& why);

private:
    std::string add(Event event, std::int64_t unix_us);

    Monitor monitor_;
    Envelope envelope_; // of the last event
    Counts counts_;
    std::optional<std::int64_t> first_error_seq_;
    int exit_code_ = 0;
};

} // namespace castra::contract
