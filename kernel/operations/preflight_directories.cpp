// SPDX-License-Identifier: Apache-2.0
// Preflight: the directories that castra makes things in.
#include "operations/preflight.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace castra {
namespace {

// Why nothing can be made in it; empty: it can.
std::string refusal_of(const std::filesystem::path& directory) {
    std::error_code error;
    const auto there = std::filesystem::status(directory, error);
    if (!std::filesystem::exists(there)) return error ? error.message() : "it does not exist";
    if (!std::filesystem::is_directory(there)) return "it is no directory";
    if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
    return std::generic_category().message(errno);
}

} // namespace

void check_directories(const PreflightWish& wish, const Starting& starting, Findings& findings) {
    if (starting.empty()) return;
    std::error_code error;
    auto state = wish.layout.state_dir(); // or what is there of the way to it: castra makes the rest
    while (!std::filesystem::exists(state, error) && state.has_relative_path())
        state = state.parent_path();
    if (const auto why = refusal_of(state); !why.empty())
        findings.add("castra's state cannot be written to " + state.string() + ": " + why,
                     "set XDG_STATE_HOME or CASTRA_HOME, or [project] state_dir, to a directory that can be written");
    for (const auto* spec : starting) {
        if (spec->vm.base_image.empty() || spec->overlay.empty()) continue;
        const auto directory = std::filesystem::path(spec->overlay).parent_path();
        if (const auto why = refusal_of(directory); !why.empty())
            findings.add("VM " + spec->vm.name + ": its overlay cannot be made in " + directory.string() + ": " + why,
                         "make that directory (mkdir -p), or set overlay to a place that can be written, or leave it "
                         "out: castra chooses one");
    }
}

} // namespace castra
