// SPDX-License-Identifier: Apache-2.0
#include "host/starter_wire.hpp"

#include "host/files.hpp"

#include <fcntl.h>

namespace castra {

namespace {
constexpr std::size_t line_bytes_max = 2 << 20; // a request and more
}

std::string StarterWire::next_line() const {
    if (!fd_) return "GO";
    std::string line;
    char part[4096];
    while (line.size() < line_bytes_max) {
        const auto size = ::read(fd_.get(), part, sizeof part); // it says no more until it is answered
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return {};
        line.append(part, static_cast<std::size_t>(size));
        if (line.back() != '\n') continue;
        line.pop_back();
        return line;
    }
    return {};
}

void StarterWire::say(std::string_view line) const {
    if (!fd_) return;
    const auto text = std::string(line) + "\n";
    for (std::size_t done = 0; done < text.size();) {
        const auto size = ::write(fd_.get(), text.data() + done, text.size() - done);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return;
        done += static_cast<std::size_t>(size);
    }
}

Result<> keep_output(const std::filesystem::path& log) {
    CASTRA_CHECK(files::make_directories(log.parent_path()));
    CASTRA_TRY(file, files::open_to_append(log));
    if (::dup2(file.get(), STDOUT_FILENO) < 0 || ::dup2(file.get(), STDERR_FILENO) < 0)
        return fail_errno("open " + log.string());
    return {};
}

} // namespace castra
