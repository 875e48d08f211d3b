// SPDX-License-Identifier: Apache-2.0
// The inherited descriptor between a supervisor and the command that starts it. "JUDGE <request>" may come in, and what
// stands in the way of that goes out; then "GO", and "READY" or a complaint goes out. Used before the loop has work;
// blocking.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace castra {

class StarterWire {
public:
    explicit StarterWire(int fd) : fd_(fd) {} // -1: started by hand, nobody to ask
    // What the starter says next; "GO" when there is none. Empty: it gave up, died, or talks too long.
    std::string next_line() const;
    void say(std::string_view line) const;
    void close() { fd_.reset(); }

private:
    UniqueFd fd_;
};

// From now on stdout and stderr of this process go to that file (appended, 0600, its directory made). Errors: io.
Result<> keep_output(const std::filesystem::path& log);

} // namespace castra
