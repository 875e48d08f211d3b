// SPDX-License-Identifier: Apache-2.0
// ULID: 26 characters of Crockford base32, 48 bits of Unix milliseconds then 80 random bits; sorts by time.
// Pure: the caller brings time and entropy. Source: github.com/ulid/spec.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace castra {

std::string make_ulid(std::uint64_t unix_ms, const std::array<std::uint8_t, 10>& entropy);
bool is_ulid(std::string_view text);

} // namespace castra
