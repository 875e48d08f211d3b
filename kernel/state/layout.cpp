// SPDX-License-Identifier: Apache-2.0
#include "state/layout.hpp"

#include "host/files.hpp"
#include "state/plugin_state.hpp"

namespace castra {
namespace {

std::string slug_of(const std::string& name) {
    std::string slug;
    for (const char c : name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        const bool upper = c >= 'A' && c <= 'Z';
        if (plain)
            slug += c;
        else if (upper)
            slug += static_cast<char>(c - 'A' + 'a');
        else if (!slug.empty() && slug.back() != '-')
            slug += '-';
        if (slug.size() >= 32) break;
    }
    while (!slug.empty() && slug.back() == '-')
        slug.pop_back();
    return slug.empty() ? "project" : slug;
}

std::filesystem::path state_root(const Environment& environment) {
    if (!environment.castra_home.empty()) return environment.castra_home;
    if (!environment.xdg_state_home.empty()) return std::filesystem::path(environment.xdg_state_home) / "castra";
    return std::filesystem::path(environment.home) / ".local/state/castra";
}

std::filesystem::path runtime_root(const Environment& environment) {
    if (!environment.castra_home.empty()) return std::filesystem::path(environment.castra_home) / "run";
    if (!environment.xdg_runtime_dir.empty()) return std::filesystem::path(environment.xdg_runtime_dir) / "castra";
    return "/tmp/castra-" + std::to_string(environment.user);
}

// The same file has the same id.
std::string id_of(const std::filesystem::path& config_path) {
    return files::sha256_of(config_path.string()).substr(0, 12);
}

std::filesystem::path state_of(const Environment& environment, const std::filesystem::path& config_path,
                               const std::string& state_dir) {
    if (!state_dir.empty()) return state_dir;
    return projects_dir(environment) / (slug_of(config_path.parent_path().filename()) + "-" + id_of(config_path));
}

void make_absolute(std::string& directory) {
    std::error_code error;
    auto absolute = std::filesystem::absolute(directory, error);
    if (!error && !directory.empty()) directory = absolute.lexically_normal();
}

} // namespace

Environment with_absolute_directories(Environment environment) {
    for (auto* directory : {&environment.castra_home, &environment.home})
        if (!directory->starts_with('/')) make_absolute(*directory);
    for (auto* directory : {&environment.xdg_state_home, &environment.xdg_runtime_dir, &environment.xdg_cache_home})
        if (!directory->starts_with('/')) directory->clear();
    return environment;
}

Layout::Layout(std::string id, Path state, Path runtime)
    : state_(std::move(state)), runtime_(std::move(runtime)), id_(std::move(id)), vms_(vms_dir() / "") {}

Layout::Layout(const Environment& environment, const std::filesystem::path& config_path, const std::string& state_dir)
    : Layout(of_known(environment, id_of(config_path), state_of(environment, config_path, state_dir))) {}

Layout Layout::of_known(const Environment& environment, std::string id, std::filesystem::path state_dir) {
    auto runtime = runtime_root(environment) / id;
    return {std::move(id), std::move(state_dir), std::move(runtime)};
}

Layout::Path Layout::vm_runtime_dir(const std::string& vm) const {
    return runtime_ / files::sha256_of(vm).substr(0, 8);
}

std::filesystem::path plugin_quarantine_dir(const Environment& environment) {
    return state_root(environment) / "plugins/quarantine";
}

std::filesystem::path projects_dir(const Environment& environment) {
    return state_root(environment) / "projects";
}

std::filesystem::path machine_journal_dir(const Environment& environment) {
    return state_root(environment) / "journal";
}

std::filesystem::path cache_dir(const Environment& environment) {
    if (!environment.xdg_cache_home.empty()) return std::filesystem::path(environment.xdg_cache_home) / "castra";
    return std::filesystem::path(environment.home) / ".cache/castra";
}

} // namespace castra
