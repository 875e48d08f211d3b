// SPDX-License-Identifier: Apache-2.0
#include "host/cancel_fd.hpp"

#include <cstdint>
#include <sys/eventfd.h>

namespace castra {

CancelFd::CancelFd() : fd_(::eventfd(0, EFD_CLOEXEC)) {}

void CancelFd::raise() const {
    const std::uint64_t one = 1;
    if (fd_) (void)!::write(fd_.get(), &one, sizeof one);
}

} // namespace castra
