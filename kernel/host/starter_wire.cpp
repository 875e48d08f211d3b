// SPDX-License-Identifier: Apache-2.0
#include "host/starter_wire.hpp"

#include "host/files.hpp"

#include <fcntl.h>

namespace castra {

bool StarterWire::wait_for_go() const {
    if (!fd_) return true;
    char word[3];
    ssize_t size = 0;
    do
        size = ::read(fd_.get(), word, sizeof word);
    while (size < 0 && errno == EINTR);
    return size > 0 && word[0] == 'G';
}

void StarterWire::say(std::string_view line) {
    if (!fd_) return;
    const auto text = std::string(line) + "\n";
    [[maybe_unused]] const auto written = ::write(fd_.get(), text.data(), text.size());
    fd_.reset();
}

Result<> keep_output(const std::filesystem::path& log) {
    CASTRA_CHECK(files::make_directories(log.parent_path()));
    const UniqueFd file(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file || ::dup2(file.get(), STDOUT_FILENO) < 0 || ::dup2(file.get(), STDERR_FILENO) < 0)
        return fail_errno("open " + log.string());
    return {};
}

} // namespace castra
