// SPDX-License-Identifier: Apache-2.0
#include "base/result.hpp"

#include <system_error>

namespace castra {

std::string_view to_string(ErrorCode code) {
    switch (code) {
    case ErrorCode::usage:
        return "usage";
    case ErrorCode::config_not_found:
        return "config_not_found";
    case ErrorCode::config_invalid:
        return "config_invalid";
    case ErrorCode::preflight:
        return "preflight";
    case ErrorCode::busy:
        return "busy";
    case ErrorCode::not_found:
        return "not_found";
    case ErrorCode::plugin:
        return "plugin";
    case ErrorCode::launch:
        return "launch";
    case ErrorCode::timeout:
        return "timeout";
    case ErrorCode::cancelled:
        return "cancelled";
    case ErrorCode::io:
        return "io";
    case ErrorCode::protocol:
        return "protocol";
    case ErrorCode::internal:
        return "internal";
    }
    return "internal";
}

namespace {

// Limits of the shell that castra was started from: nobody guesses them from the system's words.
std::string cure_of(int error) {
    switch (error) {
    case EMFILE:
        return "raise the limit of open files: ulimit -n 1024";
    case EFBIG:
        return "raise the limit of a file's size: ulimit -f unlimited";
    default:
        return {};
    }
}

} // namespace

Error Error::within(std::string_view doing) const {
    return {code, std::string(doing) + ": " + text, hint};
}

Failure fail(ErrorCode code, std::string text, std::string hint) {
    return Failure(Error{code, std::move(text), std::move(hint)});
}

Failure fail_errno(std::string_view doing, int error) {
    return fail(ErrorCode::io, std::string(doing) + ": " + std::generic_category().message(error), cure_of(error));
}

} // namespace castra
