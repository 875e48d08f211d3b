// SPDX-License-Identifier: Apache-2.0
// An embedder's broker launcher, lent for one operation: asked while that goes on, and never after it was taken back.
// Then the last plan stands for it, so that a VM that is started again later finds the broker as it was wanted.
// Thread: plan() is the kernel's; take_back() any, and waits for a call under way, no longer than it is told.
#pragma once
#include "operations/broker_launcher.hpp"

#include <chrono>
#include <mutex>

namespace castra {

class LentBrokerLauncher final : public BrokerLauncher {
public:
    explicit LentBrokerLauncher(BrokerLauncher& lent) : id_(lent.id()), lent_(&lent) {}
    std::string id() const override { return id_; }
    // Errors: those of the embedder's; plugin when it throws; cancelled when it was taken back before it was asked.
    Result<sdk::BrokerPlan> plan(const sdk::BrokerPlanRequest& request) override;
    // False: it is still in a call, and whoever owns it must let it live.
    bool take_back(std::chrono::milliseconds wait);

private:
    const std::string id_;
    std::timed_mutex calling_;
    BrokerLauncher* lent_;
    Result<sdk::BrokerPlan> last_ = fail(ErrorCode::cancelled, "the broker launcher was taken back");
};

} // namespace castra
