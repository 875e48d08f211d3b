// SPDX-License-Identifier: Apache-2.0
#include "host/in_parallel.hpp"

#include <memory>

namespace castra {

Task<> in_parallel(Executor executor, std::vector<Task<>> tasks) {
    if (tasks.empty()) co_return;
    struct Crowd {
        explicit Crowd(const Executor& on, std::size_t size) : all_done(on), left(size) {}
        Gate all_done;
        std::size_t left;
    };
    const auto crowd = std::make_shared<Crowd>(executor, tasks.size());
    for (auto& task : tasks)
        asio::co_spawn(executor, std::move(task), [crowd](const std::exception_ptr& thrown) {
            if (--crowd->left == 0) crowd->all_done.open();
            if (thrown) std::rethrow_exception(thrown);
        });
    co_await crowd->all_done.wait();
}

} // namespace castra
