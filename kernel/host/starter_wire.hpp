// SPDX-License-Identifier: Apache-2.0
// The inherited descriptor between a supervisor and the command that starts it: "GO" comes in, "READY" or a complaint
// goes out, then it is closed. Used before the loop has work; blocking.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <filesystem>
#include <string_view>

namespace castra {

class StarterWire {
public:
    explicit StarterWire(int fd) : fd_(fd) {} // -1: started by hand, nobody to ask
    // False: the starter gave up or died.
    bool wait_for_go() const;
    void say(std::string_view line); // at most once

private:
    UniqueFd fd_;
};

// From now on stdout and stderr of this process go to that file (appended, 0600, its directory made). Errors: io.
Result<> keep_output(const std::filesystem::path& log);

} // namespace castra
