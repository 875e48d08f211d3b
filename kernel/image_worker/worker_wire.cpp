// SPDX-License-Identifier: Apache-2.0
#include "image_worker/worker_wire.hpp"

#include <poll.h>
#include <unistd.h>

namespace castra::image_worker {
namespace {

constexpr int gone_code = 3;

bool hangs_up_within(int fd, int milliseconds) {
    pollfd watched{fd, 0, 0};
    return ::poll(&watched, 1, milliseconds) > 0 && (watched.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

} // namespace

void Wire::say(const nlohmann::json& line) {
    const auto text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    for (std::size_t at = 0; at < text.size();) {
        const auto written = ::write(fd_, text.data() + at, text.size() - at);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) ::_exit(gone_code);
        at += static_cast<std::size_t>(written);
    }
}

void Wire::progress(std::int64_t current, std::int64_t total, int attempt) {
    say({{"progress", {{"current", current}, {"total", total}, {"attempt", attempt}}}});
}

void Wire::note(const std::string& text) {
    say({{"note", text}});
}

void Wire::done(const std::string& sha256, std::int64_t bytes, bool resumed, bool was_there) {
    say({{"done", {{"sha256", sha256}, {"bytes", bytes}, {"resumed", resumed}, {"was_there", was_there}}}});
}

void Wire::failed(const Error& error) {
    say({{"failed", {{"code", to_string(error.code)}, {"text", error.text}, {"hint", error.hint}}}});
}

bool Wire::is_abandoned() const {
    return hangs_up_within(fd_, 0);
}

void Wire::pause(int milliseconds) const {
    if (hangs_up_within(fd_, milliseconds)) ::_exit(gone_code);
}

} // namespace castra::image_worker
