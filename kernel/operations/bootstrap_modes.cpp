// SPDX-License-Identifier: Apache-2.0
#include "operations/bootstrap_modes.hpp"

#include "config/bootstrap_table.hpp"
#include "config/names.hpp"

#include <algorithm>

namespace castra {
namespace {
constexpr const char* words_there_are =
    "auto, always or skip; automatic, enabled, force, disabled and off are understood, too";
}

std::string bootstrap_mode(std::string_view word) {
    for (const auto& mode : bootstrap_mode_words())
        if (mode.word == word) return std::string(mode.value);
    return {};
}

Result<BootstrapModes> parse_bootstrap_modes(const std::vector<std::string>& options) {
    BootstrapModes modes;
    for (const auto& option : options)
        for (std::size_t at = 0; at <= option.size();) {
            const auto end = std::min(option.find(',', at), option.size());
            const auto part = option.substr(at, end - at);
            const auto equals = part.find('=');
            const auto vm = equals == part.npos ? std::string() : part.substr(0, equals);
            const auto word = equals == part.npos ? part : part.substr(equals + 1);
            const auto mode = bootstrap_mode(word);
            if (mode.empty() || equals == 0)
                return fail(ErrorCode::usage,
                            "--bootstrap " + option + ": \"" + (equals == 0 ? part : word) + "\" is no mode",
                            std::string("write MODE or VM=MODE[,VM=MODE]; a mode is ") + words_there_are);
            modes[vm] = mode;
            at = end + 1;
        }
    return modes;
}

std::vector<Error> apply_bootstrap_modes(const BootstrapModes& modes, ProjectConfig& config) {
    std::vector<Error> findings;
    std::vector<std::string> known;
    for (const auto& vm : config.vms)
        known.push_back(vm.name);
    for (const auto& [vm, mode] : modes) {
        if (vm.empty() || std::ranges::find(known, vm) != known.end()) continue;
        const auto meant = did_you_mean(vm, known);
        findings.push_back({ErrorCode::usage, "--bootstrap: " + config.path + " has no VM \"" + vm + "\"",
                            meant ? "did you mean \"" + *meant + "\"?" : "castra status lists them"});
    }
    if (!findings.empty()) return findings;
    for (auto& vm : config.vms) {
        if (const auto all = modes.find(""); all != modes.end()) vm.bootstrap.mode = all->second;
        if (const auto own = modes.find(vm.name); own != modes.end()) vm.bootstrap.mode = own->second;
    }
    return findings;
}

} // namespace castra
