// SPDX-License-Identifier: Apache-2.0
#include "contract/cleanup_order.hpp"

namespace castra::contract {

Check CleanupOrder::check(const Event& event) const {
    const auto* progress = event.as<CleanupProgress>();
    if (progress && progress->dry_run && wet_seq_ > 0)
        return violation(14, "a dry run follows a removal in the same run", wet_seq_);
    if (dry_seq_ == 0) return {};
    if (progress && !progress->dry_run) return violation(14, "a removal in a dry run", dry_seq_);
    if (event.is<VmOverlayDiscarded>()) return violation(14, "an overlay is discarded in a dry run", dry_seq_);
    if (const auto* summary = event.as<Summary>(); summary && summary->reclaimed_bytes.value_or(0) > 0)
        return violation(14, "a dry run reclaimed bytes", dry_seq_);
    return {};
}

void CleanupOrder::commit(const Event& event) {
    const auto* progress = event.as<CleanupProgress>();
    if (!progress) return;
    auto& first = progress->dry_run ? dry_seq_ : wet_seq_;
    if (first == 0) first = event.envelope.seq;
}

} // namespace castra::contract
