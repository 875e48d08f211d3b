// SPDX-License-Identifier: Apache-2.0
// Quantities with their unit in the type. Text forms are those of castra.toml.
#pragma once
#include "base/result.hpp"

#include <chrono>
#include <cstdint>

namespace castra {

using Milliseconds = std::chrono::milliseconds;

// An amount of memory. Shape: "2 GiB", "512 MiB", "1.5GiB", "2048" (MiB, as the prototype read it).
// Units: KB/MB/GB are decimal, KiB/MiB/GiB/TiB binary. Errors: text that is no size, zero, above 2^53.
class MemorySize {
public:
    constexpr MemorySize() = default;
    static constexpr MemorySize of_bytes(std::uint64_t bytes) { return MemorySize(bytes); }
    static Result<MemorySize> parse(std::string_view text);
    constexpr std::uint64_t bytes() const { return bytes_; }
    constexpr std::uint64_t mebibytes() const { return bytes_ >> 20; }
    friend constexpr auto operator<=>(MemorySize, MemorySize) = default;

private:
    explicit constexpr MemorySize(std::uint64_t bytes) : bytes_(bytes) {}
    std::uint64_t bytes_ = 0;
};

std::string to_string(MemorySize size);

} // namespace castra
