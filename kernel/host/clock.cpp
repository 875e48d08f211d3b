// SPDX-License-Identifier: Apache-2.0
#include "host/clock.hpp"

#include <chrono>
#include <cstdlib>
#include <sys/random.h>

namespace castra {
namespace {
template <class C>
std::int64_t us_of() {
    return std::chrono::duration_cast<std::chrono::microseconds>(C::now().time_since_epoch()).count();
}
} // namespace

std::int64_t SystemClock::unix_us() const {
    return us_of<std::chrono::system_clock>();
}

std::int64_t SystemClock::monotonic_us() const {
    return us_of<std::chrono::steady_clock>();
}

std::array<std::uint8_t, 10> SystemClock::entropy() {
    std::array<std::uint8_t, 10> bytes{};
    if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
    return bytes;
}

} // namespace castra
