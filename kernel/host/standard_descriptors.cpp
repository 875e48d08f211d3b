// SPDX-License-Identifier: Apache-2.0
#include "host/standard_descriptors.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace castra {

void keep_standard_descriptors() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) >= 0) continue;
        // The lowest number that is free: this one. Not O_CLOEXEC: whom castra becomes needs them as well.
        (void)::open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
    }
}

bool stdout_is_open() {
    const int flags = ::fcntl(STDOUT_FILENO, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

} // namespace castra
