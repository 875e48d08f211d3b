// SPDX-License-Identifier: Apache-2.0
// What castra exits with. Public: docs/ERRORS.md; changing one is a major version of the contract.
#pragma once
#include "base/result.hpp"
#include "contract/exit_codes.hpp"

namespace castra::exit_code {

// The numbers stand in the contract's table alone.
inline constexpr int succeeded = contract::exit_code_of("succeeded");
inline constexpr int failed = contract::exit_code_of("failed");
inline constexpr int usage = contract::exit_code_of("usage");
inline constexpr int config = contract::exit_code_of("config");
inline constexpr int preflight = contract::exit_code_of("preflight");
inline constexpr int busy = contract::exit_code_of("busy");
inline constexpr int partial = contract::exit_code_of("partial");
inline constexpr int contract_violation = contract::exit_code_of("contract_violation");
inline constexpr int plugin = contract::exit_code_of("plugin");
inline constexpr int aborted = contract::exit_code_of("aborted");
inline constexpr int not_found = contract::exit_code_of("not_found");
inline constexpr int gap = contract::exit_code_of("gap");
inline constexpr int cancelled = contract::exit_code_of("cancelled");

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
