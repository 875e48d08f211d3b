// SPDX-License-Identifier: Apache-2.0
// Judges a stream after the fact by the same decoder and the same monitor that the bus uses while it writes. Pure.
#pragma once
#include "contract/monitor.hpp"

namespace castra::contract {

struct Finding {
    std::int64_t line = 0; // from 1
    int rule = 0;
    std::string text;
};

class Verifier {
public:
    static constexpr std::size_t findings_max = 100; // then the rest of the stream is only counted

    // The stream's bytes, in pieces of any size.
    void feed(std::string_view bytes);
    // The stream ends here: a torn last line, a missing summary, an empty stream.
    void finish();

    const std::vector<Finding>& findings() const { return findings_; }
    std::int64_t lines() const { return line_; }
    bool is_good() const { return findings_.empty(); }

private:
    void judge(std::string_view line);
    void find(int rule, std::string text);

    Monitor monitor_;
    std::vector<Finding> findings_;
    std::int64_t line_ = 0;
    std::string rest_; // of a line that is not complete yet
    bool saw_bad_summary_ = false;
    bool is_skipping_ = false; // inside a line that is too long
};

} // namespace castra::contract
