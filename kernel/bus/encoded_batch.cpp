// SPDX-License-Identifier: Apache-2.0
#include "bus/encoded_batch.hpp"

namespace castra {

void EncodedBatch::add(const EncodedEvent& event) {
    auto& entry = entries_.emplace_back();
    entry.line = bytes_.size();
    entry.line_size = static_cast<std::uint32_t>(event.line.size());
    entry.words = words_.size();
    entry.type_size = static_cast<std::uint32_t>(event.type.size());
    entry.vm_size = static_cast<std::uint32_t>(event.vm.size());
    entry.severity = event.severity;
    entry.seq = event.seq;
    entry.may_coalesce = event.may_coalesce;
    bytes_ += event.line;
    words_ += event.type;
    words_ += event.vm;
}

void EncodedBatch::clear() {
    bytes_.clear();
    words_.clear();
    entries_.clear();
}

EncodedEvent EncodedBatch::at(std::size_t index) const {
    const auto& entry = entries_[index];
    const std::string_view words = words_;
    EncodedEvent event;
    event.line = std::string_view(bytes_).substr(entry.line, entry.line_size);
    event.type = words.substr(entry.words, entry.type_size);
    event.vm = words.substr(entry.words + entry.type_size, entry.vm_size);
    event.severity = entry.severity;
    event.seq = entry.seq;
    event.may_coalesce = entry.may_coalesce;
    return event;
}

EncodedEvents EncodedEvents::of(const EncodedEvent& event) {
    auto batch = std::make_shared<EncodedBatch>();
    batch->add(event);
    return EncodedEvents(std::move(batch));
}

} // namespace castra
