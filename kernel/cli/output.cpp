// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace castra {

Output::Output(Workshop& workshop, EventFormat events, bool verbose, std::string color)
    : workshop_(workshop), events_(events), verbose_(verbose), color_(std::move(color)) {}

Result<std::unique_ptr<Sink>> Output::make_sink(const std::string& run_id, const std::string& operation) {
    if (events_ == EventFormat::none) return std::unique_ptr<Sink>();
    const bool is_tty = isatty(STDOUT_FILENO) == 1;
    winsize size{};
    if (is_tty) ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    const char* no_color = std::getenv("NO_COLOR");
    const bool color = color_ == "always" || (color_ == "auto" && is_tty && !(no_color && *no_color));
    PluginSet plugins(workshop_.installation(), workshop_.registry(), nullptr);
    PluginSet::ReporterWish wish;
    wish.open = {{"run_id", run_id},
                 {"operation", operation},
                 {"project", ""},
                 {"terminal", {{"is_tty", is_tty}, {"width", is_tty ? size.ws_col : 0}, {"color", color}}}};
    if (events_ == EventFormat::ndjson) {
        wish.name = "ndjson";
        wish.config = {{"fd", STDOUT_FILENO}};
    } else {
        wish.name = "console";
        wish.config = {{"stream", "stdout"}, {"verbose", verbose_}};
    }
    return plugins.reporter(wish);
}

} // namespace castra
