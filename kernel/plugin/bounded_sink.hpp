// SPDX-License-Identifier: Apache-2.0
// BoundedSink: takes what a plugin writes, up to a limit. A write that would pass it is refused whole, and is_over().
// Thread: that of the call.
#pragma once
#include "castra/abi/entry.h"

#include <cstddef>
#include <string>

namespace castra {

inline constexpr std::size_t plugin_reply_bytes_max = 16 * 1024 * 1024;
inline constexpr std::size_t plugin_error_bytes_max = 64 * 1024;

class BoundedSink {
public:
    explicit BoundedSink(std::size_t bytes_max) : bytes_max_(bytes_max) {}
    BoundedSink(const BoundedSink&) = delete;
    BoundedSink& operator=(const BoundedSink&) = delete;

    castra_sink c_sink() { return {this, write}; } // valid as long as this
    const std::string& text() const { return text_; }
    bool is_over() const { return is_over_; }

private:
    static std::int32_t write(void* self, castra_bytes chunk) noexcept {
        auto& sink = *static_cast<BoundedSink*>(self);
        try {
            if (sink.is_over_ || chunk.size > sink.bytes_max_ - sink.text_.size()) {
                sink.is_over_ = true;
                return 1;
            }
            if (chunk.size > 0 && chunk.data == nullptr) return 1;
            sink.text_.append(static_cast<const char*>(chunk.data), chunk.size);
            return 0;
        } catch (...) { // no memory
            sink.is_over_ = true;
            return 1;
        }
    }

    std::size_t bytes_max_;
    std::string text_;
    bool is_over_ = false;
};

} // namespace castra
