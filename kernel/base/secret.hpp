// SPDX-License-Identifier: Apache-2.0
// A value that no output may show. Not convertible to a string, not printable, not comparable; whoever needs the bytes
// says reveal(), which is easy to search for. Wiped when it goes.
#pragma once
#include <string.h> // explicit_bzero
#include <string>
#include <string_view>

namespace castra {

class Secret {
public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    // NOLINTNEXTLINE(performance-move-constructor-init): a short string that was moved from keeps its letters.
    Secret(Secret&& other) noexcept : value_(other.value_) { other.wipe(); }
    Secret& operator=(const Secret&) = default;
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe();
            value_ = other.value_;
            other.wipe();
        }
        return *this;
    }
    ~Secret() { wipe(); }

    const std::string& reveal() const { return value_; }
    bool is_empty() const { return value_.empty(); }
    static constexpr std::string_view mask = "***";

private:
    void wipe() {
        ::explicit_bzero(value_.data(), value_.size());
        value_.clear();
    }
    std::string value_;
};

} // namespace castra
