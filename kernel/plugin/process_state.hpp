// SPDX-License-Identifier: Apache-2.0
// What a plugin's constructors and init must leave alone: the parts of a process that everybody in it shares. Captured
// before and compared after a load; a difference is put back where that is possible, and named.
// Thread: the one that loads. Other threads that start, or change the environment, meanwhile are blamed on the plugin:
// load plugins before there are any.
#pragma once

#include <array>
#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

namespace castra {

class ProcessState {
public:
    static ProcessState capture();

    // What `now` has otherwise: "signal handler of SIGUSR1", "locale", ... Empty: nothing.
    std::vector<std::string> differences(const ProcessState& now) const;
    // Puts back everything but threads, which nobody can stop.
    void restore() const;

private:
    std::array<struct sigaction, 65> actions_{}; // by signal; those that libc keeps for itself are zero
    sigset_t mask_{};
    std::string locale_, working_dir_;
    unsigned umask_ = 0;
    std::uint64_t float_control_ = 0;      // rounding, precision, exception masks, flush to zero; not the sticky flags
    std::vector<std::string> environment_; // sorted
    std::vector<std::string> threads_;     // their ids, sorted
};

} // namespace castra
