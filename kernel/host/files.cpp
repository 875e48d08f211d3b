// SPDX-License-Identifier: Apache-2.0
#include "host/files.hpp"

#include "base/sha256.hpp"
#include "base/unique_fd.hpp"

#include <algorithm>
#include <fcntl.h>
#include <memory>
#include <openssl/evp.h>
#include <sys/stat.h>

namespace castra::files {
namespace {

namespace fs = std::filesystem;

Result<> write_all(int fd, std::string_view bytes, const std::string& doing) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            return fail_errno(doing);
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Failure failed(const std::string& doing, const std::error_code& error) {
    return fail(ErrorCode::io, doing + ": " + error.message());
}

} // namespace

Result<> make_directories(const Path& path) {
    std::error_code error;
    const auto there = path.empty() ? fs::file_status(fs::file_type::directory) : fs::symlink_status(path, error);
    if (there.type() == fs::file_type::none) return failed("make directory " + path.string(), error);
    if (fs::exists(there)) {
        if (path.empty() || fs::is_directory(path, error)) return {};
        return fail(ErrorCode::io, "make directory " + path.string() + ": it exists and is no directory",
                    "move it away, then try again");
    }
    CASTRA_CHECK(make_directories(path.parent_path()));
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("make directory " + path.string());
    return {};
}

Result<std::string> read(const Path& path, std::size_t bytes_max) {
    auto doing = [&] { return "read " + path.string(); };
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd)
        return errno == ENOENT ? Result<std::string>(fail(ErrorCode::not_found, doing() + ": no such file"))
                               : fail_errno(doing());
    struct stat info {};
    if (fstat(fd.get(), &info) != 0) return fail_errno(doing());
    if (!S_ISREG(info.st_mode)) return fail(ErrorCode::io, doing() + ": not a regular file");
    // One byte more than it has: a file that nobody writes to ends with the first read. What /proc shows has no size.
    const auto told = static_cast<std::size_t>(info.st_size);
    std::string content(std::min(told == 0 ? std::size_t{4096} : told + 1, bytes_max + 1), '\0');
    std::size_t size = 0;
    while (true) {
        const auto more = ::read(fd.get(), content.data() + size, content.size() - size);
        if (more < 0 && errno == EINTR) continue;
        if (more < 0) return fail_errno(doing());
        size += static_cast<std::size_t>(more);
        if (size > bytes_max)
            return fail(ErrorCode::io, doing() + ": larger than " + std::to_string(bytes_max) + " bytes");
        if (more == 0 || (size == told && size < content.size())) break;
        if (size == content.size()) content.resize(std::min(2 * size, bytes_max + 1));
    }
    content.resize(size);
    return content;
}

namespace {

// What somebody put there that is no file goes: a pipe would be waited for.
UniqueFd open_temporary(const Path& path) {
    struct stat info {};
    for (int more = 0;; more = O_EXCL) {
        UniqueFd fd(
            ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | more, 0600));
        const int why = errno;
        if (more != 0 || (fd && fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode))) return fd;
        errno = why;
        if (!fd && why != ENXIO && why != ELOOP) return fd;
        ::unlink(path.c_str());
    }
}

} // namespace

Result<> replace(const Path& path, std::string_view content, bool durable) {
    const auto doing = "write " + path.string();
    auto temporary = path;
    temporary += ".tmp";
    const auto fd = open_temporary(temporary);
    if (!fd) return fail_errno(doing);
    auto written = write_all(fd.get(), content, doing);
    if (written && durable && ::fdatasync(fd.get()) != 0) written = fail_errno(doing);
    if (written && ::rename(temporary.c_str(), path.c_str()) != 0) written = fail_errno(doing);
    if (!written) {
        ::unlink(temporary.c_str());
        return written;
    }
    if (!durable) return {};
    UniqueFd directory(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0) return fail_errno(doing);
    return {};
}

bool exists(const Path& path) {
    struct stat info {};
    return lstat(path.c_str(), &info) == 0;
}

Result<UniqueFd> open_to_append(const Path& path) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!fd) return fail_errno("open " + path.string());
    struct stat info {};
    if (fstat(fd.get(), &info) != 0) return fail_errno("look at " + path.string());
    const bool is_taken = S_ISREG(info.st_mode) || S_ISCHR(info.st_mode); // /dev/null is one
    if (!is_taken) return fail(ErrorCode::io, "open " + path.string() + ": neither a file nor a device");
    return fd;
}

Result<> make_private_directory(const Path& path) {
    CASTRA_CHECK(make_directories(path));
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0) return fail_errno("look at " + path.string());
    if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(ErrorCode::preflight, path.string() + " is not a directory of this user's alone",
                    "remove it, or set XDG_RUNTIME_DIR or CASTRA_HOME to a directory that is");
    return {};
}

Result<> remove(const Path& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("remove " + path.string());
    return {};
}

Result<> remove_tree(const Path& path) {
    std::error_code error;
    fs::remove_all(path, error);
    if (error) return failed("remove " + path.string(), error);
    return {};
}

std::int64_t allocated_bytes(const Path& path) {
    auto of = [](const Path& file) -> std::int64_t {
        struct stat info {};
        return lstat(file.c_str(), &info) == 0 ? static_cast<std::int64_t>(info.st_blocks) * 512 : 0;
    };
    auto total = of(path);
    std::error_code error;
    if (fs::is_directory(fs::symlink_status(path, error)))
        for (auto at = fs::recursive_directory_iterator(path, error); !error && at != fs::end(at); at.increment(error))
            total += of(at->path());
    return total;
}

Result<std::string> sha256_of_file(const Path& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail_errno("read " + path.string());
    Sha256 hash;
    std::string chunk(1 << 18, '\0');
    while (true) {
        const auto size = ::read(fd.get(), chunk.data(), chunk.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return fail_errno("read " + path.string());
        if (size == 0) return hash.hex();
        hash.add(chunk.data(), static_cast<std::size_t>(size));
    }
}

std::string sha256_of(std::string_view bytes) {
    Sha256 hash;
    hash.add(bytes.data(), bytes.size());
    return hash.hex();
}

std::string decode_base64(std::string_view text) {
    std::string out(text.size() / 4 * 3 + 3, '\0');
    const int size =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (size < 0) return {};
    const auto padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    out.resize(static_cast<std::size_t>(size - padding));
    return out;
}

std::string tail_of(const Path& path, std::size_t bytes_max) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info {};
    if (!fd || fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    const auto from = info.st_size > static_cast<off_t>(bytes_max) ? info.st_size - static_cast<off_t>(bytes_max) : 0;
    std::string text(bytes_max, '\0');
    const auto size = ::pread(fd.get(), text.data(), text.size(), from);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

} // namespace castra::files
