// SPDX-License-Identifier: Apache-2.0
// What castra exits with, and `summary` carries in exit_code. Part of the contract: changing one is a major version,
// one for a situation that could not arise before is a minor. What is left behind after each: docs/ERRORS.md.
#pragma once
#include <array>
#include <string_view>

namespace castra::contract {

struct ExitCode {
    int code;
    std::string_view name, meaning;
};

inline constexpr std::array<ExitCode, 13> exit_codes{{
    {0, "succeeded", "done, or nothing to do"},
    {1, "failed", "a VM failed, a deadline passed, the system said no"},
    {2, "usage", "the command line is wrong, or it names an unknown VM"},
    {3, "config", "`castra.toml` is missing or has errors"},
    {4, "preflight", "this machine lacks a program, a file, an image or a port"},
    {5, "busy", "another operation runs, or somebody holds the lock or a port"},
    {6, "partial", "`up --keep-going`: some VMs stand, some failed"},
    {7, "contract_violation", "an event broke the contract (`--strict`), or a stream or a snapshot does"},
    {8, "plugin", "a plugin was refused or answered wrongly"},
    {9, "aborted", "the supervisor ended before the run did, or a bug"},
    {10, "not_found", "no such file, recipe or run"},
    {11, "gap", "some of the events that were asked for are no longer there"},
    {130, "cancelled", "Ctrl-C or SIGTERM"},
}};

// Does not compile for a name that is not in the table.
consteval int exit_code_of(std::string_view name) {
    for (const auto& entry : exit_codes)
        if (entry.name == name) return entry.code;
    throw "no such exit code";
}

} // namespace castra::contract
