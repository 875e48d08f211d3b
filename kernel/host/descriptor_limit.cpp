// SPDX-License-Identifier: Apache-2.0
#include "host/descriptor_limit.hpp"

namespace castra {

DescriptorLimit::DescriptorLimit() {
    ::getrlimit(RLIMIT_NOFILE, &original_);
    auto raised = original_;
    raised.rlim_cur = raised.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &raised);
}

} // namespace castra
