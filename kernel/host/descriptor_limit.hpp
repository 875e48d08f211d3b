// SPDX-License-Identifier: Apache-2.0
// How many descriptors this process may have: raised to what it is allowed, for a supervisor holds some for each of a
// thousand VMs. Children get back what we were started with: programs that use select() break beyond 1024.
#pragma once
#include <sys/resource.h>

namespace castra {

class DescriptorLimit {
public:
    DescriptorLimit(); // raises it; without the right to, it stays as it is
    // In a child, between fork and exec.
    void restore() const { ::setrlimit(RLIMIT_NOFILE, &original_); }

private:
    rlimit original_{};
};

} // namespace castra
