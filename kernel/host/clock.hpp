// SPDX-License-Identifier: Apache-2.0
// The only way to ask what time it is. The simulation has its own.
#pragma once
#include <array>
#include <cstdint>

namespace castra {

class Clock {
public:
    virtual ~Clock() = default;
    virtual std::int64_t unix_us() const = 0;      // wall clock
    virtual std::int64_t monotonic_us() const = 0; // never decreases
    virtual std::array<std::uint8_t, 10> entropy() = 0;
};

class SystemClock final : public Clock {
public:
    std::int64_t unix_us() const override;
    std::int64_t monotonic_us() const override;
    std::array<std::uint8_t, 10> entropy() override;
};

} // namespace castra
