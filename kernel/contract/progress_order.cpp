// SPDX-License-Identifier: Apache-2.0
#include "contract/progress_order.hpp"

namespace castra::contract {
namespace {

std::string work_of(const Envelope& envelope) {
    if (envelope.span) return "span " + *envelope.span;
    return envelope.type + " " + envelope.vm.value_or("") + " " + envelope.source;
}

bool is_complete(const ProgressField& progress) {
    return progress.total && progress.current >= *progress.total;
}

} // namespace

Check ProgressOrder::check(const Event& event) const {
    const auto& progress = event.envelope.progress;
    if (!progress) return {};
    if (progress->current < 0) return violation(15, "progress.current is negative");
    if (progress->total && progress->current > *progress->total)
        return violation(15, "progress.current is beyond progress.total");
    const auto known = works_.find(work_of(event.envelope));
    if (known == works_.end()) {
        if (works_.size() >= works_max) return violation(15, "too many pieces of work are in flight");
        return {};
    }
    const auto& before = known->second;
    if (progress->unit != before.unit)
        return violation(15, "progress.unit changes from " + before.unit + " to " + progress->unit, before.seq);
    if (progress->current < before.current) return violation(15, "progress.current decreases", before.seq);
    return {};
}

void ProgressOrder::commit(const Event& event) {
    const auto& progress = event.envelope.progress;
    if (!progress) return;
    auto work = work_of(event.envelope);
    if (is_complete(*progress) && event.envelope.span)
        works_.erase(work); // a span's id is not used again
    else
        works_[std::move(work)] = {progress->current, progress->unit, event.envelope.seq};
}

} // namespace castra::contract
