// SPDX-License-Identifier: Apache-2.0
// Collects the mistakes of one file while it is read, so that all of them are told at once.
// Owner: parse_project; everyone who reads holds a reference.
#pragma once
#include "config/config_error.hpp"
#include "config/position.hpp"

#include <string_view>

namespace castra {

class Problems {
public:
    explicit Problems(std::string file) : file_(std::move(file)) {}
    Problems(const Problems&) = delete;
    Problems& operator=(const Problems&) = delete;

    void add(Position at, std::string key, std::string text, std::string hint);
    bool empty() const { return errors_.empty(); }
    std::size_t count() const { return errors_.size() + dropped_; }
    // In the order of lines; what was over the limit is counted in a last entry without a line.
    ConfigErrors take();

private:
    std::string file_;
    ConfigErrors errors_;
    std::size_t dropped_ = 0;
};

// What the file says, fit for a terminal: control characters as \x1b, long text cut.
std::string shown(std::string_view text, std::size_t bytes_max = 60);
std::string in_quotes(std::string_view text);

} // namespace castra
