// SPDX-License-Identifier: Apache-2.0
#include "operations/project.hpp"

#include "base/utf8.hpp"
#include "config/bootstrap_file.hpp"
#include "host/files.hpp"
#include "state/project_register.hpp"

namespace castra {
namespace {

std::vector<Error> findings_of(const LoadFailure& failure) {
    std::vector<Error> findings;
    for (const auto& error : failure.errors) {
        auto plain = error;
        plain.hint.clear();
        findings.push_back({failure.code, to_string(plain), error.hint});
    }
    return findings;
}

// The name that the user gave may lead through links; below the place where it leads none is followed. The same before
// that place is made and afterwards: what is not there yet cannot be a link.
std::string followed(const std::string& state_dir) {
    std::error_code error;
    const auto place = std::filesystem::weakly_canonical(state_dir, error);
    return state_dir.empty() || error ? state_dir : place.string();
}

} // namespace

tl::expected<Project, std::vector<Error>> load_project(const Installation& installation,
                                                       const std::string& config_path) {
    auto config = load_project(std::filesystem::path(config_path));
    if (!config) return tl::unexpected(findings_of(config.error()));
    if (const auto read = read_bootstrap_files(*config); !read) return tl::unexpected(findings_of(read.error()));
    Layout layout(installation.environment, config->path, followed(config->state_dir));
    if (!config->state_dir.empty()) // else the place has the file's path in its name
        if (const auto owns = owns_state(installation.environment, layout, config->path); !owns)
            return tl::unexpected(std::vector{owns.error()});
    if (const auto left = left_no_vms(installation.environment, layout, config->path); !left)
        return tl::unexpected(std::vector{left.error()});
    auto digest = "sha256:" + files::sha256_of(config->text);
    return Project{std::move(*config), std::move(layout), std::move(digest)};
}

// The register knows where the state of a project is whose file is gone, or no longer says where it keeps it.
Result<Located> locate_project(const Installation& installation, const std::string& config_path) {
    std::error_code error;
    const auto& environment = installation.environment;
    auto path = std::filesystem::absolute(config_path.empty() ? "castra.toml" : config_path, error);
    auto is_known = [&](const std::filesystem::path& file) {
        return std::filesystem::exists(file, error) ||
               find_registered(environment, std::filesystem::weakly_canonical(file, error));
    };
    if (config_path.empty()) // as load_project searches
        for (auto dir = path.parent_path(); !is_known(path) && dir != dir.root_path();)
            path = (dir = dir.parent_path()) / "castra.toml";
    const auto file = std::filesystem::weakly_canonical(path, error);
    if (!is_utf8(file.native()))
        return fail(ErrorCode::config_invalid, "the path of " + file.filename().string() + " is not UTF-8",
                    "rename the directory, or move the file to one whose path is");
    if (const auto known = find_registered(environment, file); known && known->problem.empty())
        return Located{known->layout(environment), file};
    if (!std::filesystem::exists(file, error))
        return fail(ErrorCode::config_not_found, "find " + path.string() + ": no such file");
    return Located{Layout(environment, file, ""), file};
}

} // namespace castra
