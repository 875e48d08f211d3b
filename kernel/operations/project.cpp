// SPDX-License-Identifier: Apache-2.0
#include "operations/project.hpp"

#include "host/files.hpp"

namespace castra {

tl::expected<Project, std::vector<Error>> load_project(const Installation& installation,
                                                       const std::string& config_path) {
    auto config = load_project(std::filesystem::path(config_path));
    if (!config) {
        std::vector<Error> findings;
        for (const auto& error : config.error().errors) {
            auto plain = error;
            plain.hint.clear();
            findings.push_back({config.error().code, to_string(plain), error.hint});
        }
        return tl::unexpected(std::move(findings));
    }
    Layout layout(installation.environment, config->path, config->state_dir);
    auto digest = "sha256:" + files::sha256_of(config->text);
    return Project{std::move(*config), std::move(layout), std::move(digest)};
}

Result<Located> locate_project(const Installation& installation, const std::string& config_path) {
    std::error_code error;
    auto path = std::filesystem::absolute(config_path.empty() ? "castra.toml" : config_path, error);
    if (config_path.empty()) // as load_project searches
        for (auto dir = path.parent_path(); !std::filesystem::exists(path, error) && dir != dir.root_path();)
            path = (dir = dir.parent_path()) / "castra.toml";
    auto file = std::filesystem::canonical(path, error);
    if (error) return fail(ErrorCode::config_not_found, "find " + path.string() + ": " + error.message());
    return Located{Layout(installation.environment, file, ""), file};
}

} // namespace castra
