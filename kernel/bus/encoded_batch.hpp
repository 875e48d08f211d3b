// SPDX-License-Identifier: Apache-2.0
// Encoded events in one piece of memory: the journal writes it in one call, every sink reads the same bytes. Filled by
// one thread, then shared and never changed.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace castra {

// One event as a sink sees it: its line, with what a sink needs without parsing. Views into the batch.
struct EncodedEvent {
    std::string_view line; // with its line feed
    std::string_view type, severity, vm;
    std::int64_t seq = 0;
    bool may_coalesce = false; // a later one of the same type and VM replaces it
};

class EncodedBatch {
public:
    void add(const EncodedEvent& event); // copies
    void clear();                        // keeps the memory
    std::string_view bytes() const { return bytes_; }
    std::size_t size() const { return entries_.size(); }
    EncodedEvent at(std::size_t index) const;

private:
    struct Entry {
        std::size_t line = 0, words = 0; // where they begin
        std::uint32_t line_size = 0, type_size = 0, vm_size = 0;
        bool may_coalesce = false;
        std::int64_t seq = 0;
        std::string_view severity; // of the contract's own words
    };
    std::string bytes_, words_; // words_: type and VM of each
    std::vector<Entry> entries_;
};

// Some events of a batch, one after the other.
class EncodedEvents {
public:
    EncodedEvents() = default;
    explicit EncodedEvents(std::shared_ptr<const EncodedBatch> batch)
        : batch_(std::move(batch)), end_(batch_->size()) {}
    EncodedEvents(std::shared_ptr<const EncodedBatch> batch, std::size_t begin, std::size_t end)
        : batch_(std::move(batch)), begin_(begin), end_(end) {}
    // One event on its own; copies it.
    static EncodedEvents of(const EncodedEvent& event);

    class Iterator {
    public:
        using difference_type = std::ptrdiff_t;
        using value_type = EncodedEvent;
        Iterator() = default;
        Iterator(const EncodedBatch* batch, std::size_t index) : batch_(batch), index_(index) {}
        EncodedEvent operator*() const { return batch_->at(index_); }
        Iterator& operator++() { return ++index_, *this; }
        Iterator operator++(int) { return {batch_, index_++}; }
        bool operator==(const Iterator&) const = default;

    private:
        const EncodedBatch* batch_ = nullptr;
        std::size_t index_ = 0;
    };
    Iterator begin() const { return {batch_.get(), begin_}; }
    Iterator end() const { return {batch_.get(), end_}; }
    std::size_t size() const { return end_ - begin_; }
    bool empty() const { return begin_ == end_; }
    EncodedEvent front() const { return batch_->at(begin_); }
    EncodedEvent back() const { return batch_->at(end_ - 1); }
    EncodedEvent operator[](std::size_t index) const { return batch_->at(begin_ + index); }
    EncodedEvents part(std::size_t from, std::size_t to) const { return {batch_, begin_ + from, begin_ + to}; }

private:
    std::shared_ptr<const EncodedBatch> batch_;
    std::size_t begin_ = 0, end_ = 0;
};

} // namespace castra
