// SPDX-License-Identifier: Apache-2.0
// What castra exits with. Public: docs/ERRORS.md; changing one is a major version of the contract.
#pragma once
#include "base/result.hpp"

namespace castra::exit_code {

inline constexpr int succeeded = 0, failed = 1, usage = 2, config = 3, preflight = 4, busy = 5, partial = 6,
                     contract_violation = 7, plugin = 8, aborted = 9, not_found = 10, cancelled = 130;

constexpr int of(ErrorCode code) {
    switch (code) {
    case ErrorCode::usage:
        return usage;
    case ErrorCode::config_not_found:
    case ErrorCode::config_invalid:
        return config;
    case ErrorCode::preflight:
        return preflight;
    case ErrorCode::busy:
        return busy;
    case ErrorCode::not_found:
        return not_found;
    case ErrorCode::plugin:
        return plugin;
    case ErrorCode::cancelled:
        return cancelled;
    default:
        return failed;
    }
}

} // namespace castra::exit_code
