// SPDX-License-Identifier: Apache-2.0
// LiveView: what a person at a terminal has to know now. Work in flight is a line a VM (name, phase, time, progress) at
// the bottom; what is finished, and every warning once, scrolls away above as log. Attention: the same warning again is
// counted and not said again; what its VM has overcome is dimmed; blockers are never counted together, dimmed or left
// out. Lines that only inform are limited to log_lines_max a second of the run; the rest is counted.
// Pure: time comes in. Everything it returns is printable, but its own colours.
#pragma once
#include "event_text.hpp"

#include <set>
#include <vector>

namespace castra::console {

constexpr std::size_t attention_lines_max = 4; // of warnings and errors at the bottom; blockers come on top
constexpr std::size_t groups_max = 256;        // different warnings that are counted; others are said each time
constexpr int log_lines_max = 20;              // a second, of severity info

class LiveView {
public:
    explicit LiveView(EventText text = EventText()) : text_(std::move(text)) {}

    // Whole lines for the log, often none. `now`: seconds of any clock that only runs forward.
    std::string take(const sdk::Json& event, double now);
    std::string note(const std::string& line) { return text_.painted(line, "dim") + "\n"; }
    // The lines at the bottom, at most `rows` of at most `columns`; none before the first event and after the summary.
    std::vector<std::string> frame(double now, std::size_t columns, std::size_t rows) const;

private:
    struct Machine {
        std::string phase;  // empty: waits for its turn
        std::string detail; // progress
        double since = 0;   // of the run, when the phase began
        bool is_done = false;
        std::vector<std::string> steps{}; // of its bootstrap, in their order
    };
    struct Group {
        std::string severity, text;
        std::set<std::string> open_vms; // whose trouble it still is
        int count = 0;
        bool is_resolved = false;
    };
    std::string log(const sdk::Json& event, const std::string& type, const std::string& severity);
    std::string attend(const sdk::Json& event, const std::string& severity);
    std::string left_out();
    std::string repeats() const;
    void follow(const sdk::Json& event, const std::string& type, const std::string& severity);
    void enter(Machine& machine, std::string phase, bool is_done = false) const;
    void resolve(const std::string& vm);
    std::vector<std::string> attention(std::size_t columns, std::size_t rows) const;
    std::string status_line(double elapsed, std::size_t columns) const;
    double elapsed_at(double now) const { return elapsed_ + std::max(0.0, now - heard_); }

    EventText text_;
    std::string operation_, project_;
    std::map<std::string, Machine> vms_;
    std::vector<std::pair<std::string, Group>> groups_; // by what makes them the same, in order of appearance
    double elapsed_ = 0, heard_ = 0;                    // of the latest event, and when it came
    std::int64_t second_ = -1;
    int in_second_ = 0, left_out_ = 0;
    bool is_over_ = true;
};

} // namespace castra::console
