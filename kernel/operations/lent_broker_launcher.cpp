// SPDX-License-Identifier: Apache-2.0
#include "operations/lent_broker_launcher.hpp"

namespace castra {

Result<sdk::BrokerPlan> LentBrokerLauncher::plan(const sdk::BrokerPlanRequest& request) {
    const std::scoped_lock lock(calling_);
    if (lent_ == nullptr) return last_;
    try {
        last_ = lent_->plan(request);
    } catch (const std::exception& error) {
        last_ = fail(ErrorCode::plugin, "the embedder's broker launcher threw: " + std::string(error.what()));
    } catch (...) {
        last_ = fail(ErrorCode::plugin, "the embedder's broker launcher threw");
    }
    return last_;
}

bool LentBrokerLauncher::take_back(std::chrono::milliseconds wait) {
    const std::unique_lock lock(calling_, wait);
    if (!lock.owns_lock()) return false;
    lent_ = nullptr;
    return true;
}

} // namespace castra
