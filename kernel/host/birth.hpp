// SPDX-License-Identifier: Apache-2.0
// How a process begins: what happens between our call and its program, and the word that a held one waits for.
// Source: vfork(2). The child borrows our memory until it is the program, so that nothing is marked for copying, which
// costs milliseconds in a process of any size; only the thread that called vfork waits meanwhile.
#pragma once
#include "base/unique_fd.hpp"
#include "host/descriptor_limit.hpp"
#include "host/process.hpp"

#include <thread>

namespace castra {

// A child that has not become its program yet; it ends when this goes, or castra. Thread: any one at a time.
class HeldChild {
public:
    // `go`: it waits for a byte on the other end. `report`: it tells there what stopped it; nothing, when it runs.
    // `lender`: the thread whose memory it uses until then.
    HeldChild(UniqueFd go, UniqueFd report, std::thread lender, std::string doing);
    HeldChild(HeldChild&&) = default;
    HeldChild& operator=(HeldChild&&) = delete;
    ~HeldChild();

    // Errors: io, with why its program cannot be run; it has ended then.
    Result<> release();

private:
    UniqueFd go_, report_;
    std::thread lender_;
    std::string doing_;
};

struct Born {
    int pid = 0;
    std::unique_ptr<HeldChild> held; // null: it is its program already
};

// Errors: io, why its program cannot be run; internal: held and ends_with_us exclude each other.
Result<Born> give_birth(const SpawnRequest& request, const DescriptorLimit& limit);

} // namespace castra
