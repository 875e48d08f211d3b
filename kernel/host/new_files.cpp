// SPDX-License-Identifier: Apache-2.0
#include "host/new_files.hpp"

#include "base/unique_fd.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace castra::files {

Result<> make_new(const std::filesystem::path& path, std::string_view content) {
    const auto doing = "write " + path.string();
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!fd && errno == EEXIST) return fail(ErrorCode::busy, doing + ": it is there already");
    if (!fd) return fail_errno(doing);
    while (!content.empty()) {
        const auto written = ::write(fd.get(), content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            const auto failure = fail_errno(doing);
            ::unlink(path.c_str()); // half a file is none
            return failure;
        }
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<std::filesystem::path> make_temporary_directory(const std::filesystem::path& parent) {
    auto path = (parent / ".castra-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) return fail_errno("make a directory in " + parent.string());
    return std::filesystem::path(path);
}

} // namespace castra::files
