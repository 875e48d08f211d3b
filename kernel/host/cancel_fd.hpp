// SPDX-License-Identifier: Apache-2.0
// A descriptor that becomes readable once and stays so: how a thread that blocks is told to give up. Thread: any.
#pragma once
#include "base/unique_fd.hpp"

namespace castra {

class CancelFd {
public:
    CancelFd();
    int get() const { return fd_.get(); } // -1 when the system has no more: then nobody is told
    void raise() const;

private:
    UniqueFd fd_;
};

} // namespace castra
