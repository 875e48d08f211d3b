// SPDX-License-Identifier: Apache-2.0
// One check of the validator and its verdict.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace castra {

enum class CheckStatus { passed, failed, skipped };

struct CheckResult {
    std::string name; // "load.quiet"
    int level = 0;    // 1..7
    CheckStatus status = CheckStatus::passed;
    std::string text; // of a failure: what was seen; of a skip: why
    std::string hint;
    std::int64_t duration_ms = 0;
};

inline CheckResult check_passed() {
    return {};
}
inline CheckResult check_failed(std::string text, std::string hint = {}) {
    return {{}, 0, CheckStatus::failed, std::move(text), std::move(hint), 0};
}
inline CheckResult check_skipped(std::string why) {
    return {{}, 0, CheckStatus::skipped, std::move(why), {}, 0};
}

struct PluginReport {
    std::string file, plugin; // plugin: its id, as far as it is known
    int level_max = 7;
    int level_passed = 0; // the highest level of which, and below which, no check failed
    std::vector<CheckResult> checks;
    bool is_good() const { return level_passed == level_max; }
};

} // namespace castra
