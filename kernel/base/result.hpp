// SPDX-License-Identifier: Apache-2.0
// Result<T>: expected failure as a value. Bugs of ours are asserts; exceptions never cross a room.
// An Error reads outside in: each layer adds what *it* was doing with within() and never repeats the inner part:
//   "start vm web-0: open /dev/kvm: permission denied", hint "is your user in group kvm?"
#pragma once
#include <cerrno>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace castra {

// What the caller can do about it; people read the text, programs read the code.
enum class ErrorCode {
    usage,            // the command line is wrong
    config_not_found, // no castra.toml where we looked
    config_invalid,   // castra.toml has errors
    preflight,        // the machine lacks something the project needs; nothing was touched
    busy,             // somebody else holds the project, a port, a name
    not_found,        // a named thing does not exist
    plugin,           // a plugin was refused or answered wrongly
    launch,           // a VM did not start or never became ready
    timeout,          // a deadline passed
    cancelled,        // asked to stop
    io,               // the operating system said no
    protocol,         // the other side of a socket broke the rules
    internal,         // a bug of ours, reported instead of crashing
};

std::string_view to_string(ErrorCode code);

struct Error {
    ErrorCode code = ErrorCode::internal;
    std::string text; // what was tried, on what, why it failed
    std::string hint; // the usual cure; may be empty

    // Prefixes what the caller was doing.
    Error within(std::string_view doing) const;
};

template <class T = void>
using Result = tl::expected<T, Error>;
using Failure = tl::unexpected<Error>;

Failure fail(ErrorCode code, std::string text, std::string hint = {});
// "open /x: No such file or directory" from errno, taken at once; with the cure where it is a limit of this shell.
Failure fail_errno(std::string_view doing, int error = errno);

} // namespace castra

// Returns the failure of `expr` from the enclosing function, prefixed.
#define CASTRA_TRY(var, expr)                                                                                          \
    auto var##_result = (expr);                                                                                        \
    if (!var##_result) return ::castra::Failure(std::move(var##_result).error());                                      \
    auto& var = *var##_result
#define CASTRA_CHECK(expr)                                                                                             \
    if (auto check_result = (expr); !check_result) return ::castra::Failure(std::move(check_result).error())

// The same inside a coroutine.
#define CASTRA_CO_TRY(var, expr)                                                                                       \
    auto var##_result = (expr);                                                                                        \
    if (!var##_result) co_return ::castra::Failure(std::move(var##_result).error());                                   \
    auto& var = *var##_result
#define CASTRA_CO_CHECK(expr)                                                                                          \
    do {                                                                                                               \
        auto check_result = (expr);                                                                                    \
        if (!check_result) co_return ::castra::Failure(std::move(check_result).error());                               \
    } while (false)
