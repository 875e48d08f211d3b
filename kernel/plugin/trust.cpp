// SPDX-License-Identifier: Apache-2.0
#include "plugin/trust.hpp"

#include "plugin/sha256.hpp"

#include <algorithm>
#include <cctype>
#include <sys/stat.h>

namespace castra {
namespace {

Result<> check_component(const std::filesystem::path& path, bool is_last, uid_t user) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return fail_errno("stat " + path.string());
    if (is_last && !S_ISREG(status.st_mode)) return fail(ErrorCode::plugin, path.string() + " is not a regular file");
    if (status.st_uid != 0 && status.st_uid != user)
        return fail(ErrorCode::plugin,
                    path.string() + " belongs to user " + std::to_string(status.st_uid) + ", not to root or you",
                    "install the plugin where only root or you can write");
    // A POSIX ACL that lets others write shows in the group bits as well.
    const bool others_write = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    const bool is_sticky_dir = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
    if (others_write && !is_sticky_dir)
        return fail(ErrorCode::plugin, path.string() + " is writable by others than its owner",
                    "chmod go-w " + path.string());
    return {};
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

} // namespace

Result<std::filesystem::path> check_trust(const std::filesystem::path& file, const std::optional<std::string>& sha256,
                                          uid_t user) {
    std::error_code problem;
    const auto real = std::filesystem::canonical(file, problem);
    if (problem)
        return fail(problem == std::errc::no_such_file_or_directory ? ErrorCode::not_found : ErrorCode::io,
                    file.string() + ": " + problem.message());
    std::filesystem::path so_far;
    for (auto part = real.begin(); part != real.end(); ++part) {
        so_far /= *part;
        CASTRA_CHECK(check_component(so_far, std::next(part) == real.end(), user));
    }
    if (sha256) {
        CASTRA_TRY(actual, sha256_of_file(real));
        if (actual != lower(*sha256))
            return fail(ErrorCode::plugin,
                        real.string() + " has sha256 " + actual + ", but castra.toml pins " + *sha256,
                        "if you rebuilt or updated the plugin, put the new value into castra.toml");
    }
    return real;
}

} // namespace castra
