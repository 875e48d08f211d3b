// SPDX-License-Identifier: Apache-2.0
// What the system calls of the simulation share: whose a path or descriptor is, and how a call answers.
#pragma once
#include "world.hpp"

#include <cerrno>

namespace castra::sim {

inline bool simulated(const char* path) {
    return world && path && Disk::has(path);
}
inline bool simulated(int fd) {
    return world && World::is_ours(fd);
}

inline int answer(int error) {
    if (error == 0) return 0;
    errno = error;
    return -1;
}

// open() of a path below /sim.
int sim_open(const std::string& path, int flags);

} // namespace castra::sim
