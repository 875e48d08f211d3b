// SPDX-License-Identifier: Apache-2.0
// The secrets that plugins may ask for, [[secrets]] of castra.toml: read from their files when somebody asks, and from
// then on masked in what the run tells and logs. Thread: any.
#pragma once
#include "bus/event_bus.hpp"
#include "config/project_config.hpp"

#include <mutex>

namespace castra {

class SecretStore {
public:
    static constexpr std::size_t bytes_max = 64 * 1024;

    // What there is from now on.
    void offer(const std::vector<SecretConfig>& secrets);
    // The run whose events must not show what was or will be asked for; null: none.
    void attach(EventBus* bus);
    // Errors: not_found, no secret of that name for this plugin; usage, it is no text, or too short or long to be
    // masked; io.
    Result<Secret> read(std::string_view plugin, const std::string& name);
    std::string masked(std::string_view text) const;

private:
    mutable std::mutex mutex_;
    std::vector<SecretConfig> secrets_;
    std::vector<Secret> told_;
    contract::SecretBook book_; // of what was told
    EventBus* bus_ = nullptr;
};

} // namespace castra
