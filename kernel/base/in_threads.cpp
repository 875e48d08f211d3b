// SPDX-License-Identifier: Apache-2.0
#include "base/in_threads.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace castra {

void in_threads(std::size_t count, std::size_t enough, const std::function<void(std::size_t)>& work) {
    constexpr std::size_t handful = 4; // taken at once
    std::atomic<std::size_t> next{0};
    auto take = [&] {
        while (true) {
            const auto from = next.fetch_add(handful);
            if (from >= count) return;
            for (auto i = from; i < std::min(from + handful, count); ++i)
                work(i);
        }
    };
    std::vector<std::jthread> others;
    const auto useful =
        std::min<std::size_t>(std::thread::hardware_concurrency(), count / std::max<std::size_t>(enough, 1));
    try {
        while (others.size() + 1 < useful)
            others.emplace_back(take);
    } catch (const std::system_error&) { // no more threads: so it takes longer
    }
    take();
}

} // namespace castra
