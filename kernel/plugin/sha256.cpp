// SPDX-License-Identifier: Apache-2.0
#include "plugin/sha256.hpp"

#include "base/sha256.hpp"
#include "base/unique_fd.hpp"

#include <array>
#include <fcntl.h>
#include <unistd.h>

namespace castra {
std::string sha256_of(std::string_view bytes) {
    Sha256 digest;
    digest.add(bytes.data(), bytes.size());
    return digest.hex();
}

Result<std::string> sha256_of_file(const std::filesystem::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd) return fail_errno("open " + path.string());
    Sha256 digest;
    std::array<char, 65536> block; // NOLINT: filled before it is read
    for (;;) {
        const auto count = ::read(fd.get(), block.data(), block.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno("read " + path.string());
        if (count == 0) return digest.hex();
        digest.add(block.data(), static_cast<std::size_t>(count));
    }
}

} // namespace castra
