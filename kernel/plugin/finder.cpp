// SPDX-License-Identifier: Apache-2.0
#include "plugin/finder.hpp"

#include "castra/sdk/nearest.hpp"

#include <algorithm>
#include <set>

namespace castra {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t listed_max = 20;

bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

Result<> check_absolute(const fs::path& path, std::string_view what) {
    if (path.empty() || path.is_absolute()) return {};
    return fail(ErrorCode::config_invalid, std::string(what) + " \"" + path.string() + "\" is not an absolute path",
                "plugins are never looked for in the current directory");
}

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

// "launcher-qemu" for "qemu", and the name as it stands for ids that follow no custom of ours.
std::vector<std::string> ids_for(const PluginQuery& query) {
    if (query.kind_prefix.empty() || query.name.starts_with(query.kind_prefix + "-")) return {query.name};
    return {query.kind_prefix + "-" + query.name, query.name};
}

Failure not_found(const PluginQuery& query, const std::vector<fs::path>& dirs) {
    std::vector<std::string> names; // without the prefix: as people write them
    for (const auto& file : list_plugin_files(dirs)) {
        auto id = file.stem().string();
        if (id.starts_with(query.kind_prefix + "-")) names.push_back(id.substr(query.kind_prefix.size() + 1));
    }
    std::string where;
    for (const auto& dir : dirs)
        where += (where.empty() ? "" : ", ") + dir.string();
    std::string available;
    for (std::size_t i = 0; i < std::min(names.size(), listed_max); ++i)
        available += (available.empty() ? "" : ", ") + names[i];

    auto wanted = query.name;
    if (wanted.starts_with(query.kind_prefix + "-")) wanted.erase(0, query.kind_prefix.size() + 1);
    const auto near = sdk::nearest(wanted, names);
    auto hint = near.empty() ? "" : "did you mean \"" + near + "\"? ";
    hint += available.empty() ? "there is no " + query.kind_prefix + " there at all" : "available: " + available;
    return fail(ErrorCode::not_found,
                "no " + query.kind_prefix + " plugin \"" + query.name + "\" in " +
                    (where.empty() ? "no directory" : where),
                hint);
}

} // namespace

Result<fs::path> find_plugin(const PluginQuery& query) {
    CASTRA_CHECK(check_absolute(query.explicit_path, "plugin path"));
    CASTRA_CHECK(check_absolute(query.install_dir, "install directory"));
    for (const auto& dir : query.search_dirs)
        CASTRA_CHECK(check_absolute(dir, "plugins.path entry"));
    if (!query.explicit_path.empty()) {
        if (is_file(query.explicit_path)) return query.explicit_path;
        return fail(ErrorCode::not_found, "no plugin file " + query.explicit_path.string(),
                    "castra.toml names this path for \"" + query.name + "\"");
    }
    if (!is_name(query.name))
        return fail(ErrorCode::config_invalid, "\"" + query.name + "\" is no name of a plugin",
                    "names are of a-z, 0-9 and -; a file is named with path = \"/...\"");

    auto dirs = query.search_dirs;
    if (!query.install_dir.empty()) dirs.push_back(query.install_dir);
    for (const auto& dir : dirs)
        for (const auto& id : ids_for(query))
            if (auto file = dir / (id + ".so"); is_file(file)) return file;
    return not_found(query, dirs);
}

std::string_view kind_prefix_of(std::string_view kind) {
    if (kind.starts_with("castra.launcher/")) return "launcher";
    if (kind.starts_with("castra.broker_launcher/")) return "broker";
    if (kind.starts_with("castra.bootstrap_step/")) return "step";
    if (kind.starts_with("castra.reporter/")) return "reporter";
    return {};
}

std::vector<fs::path> list_plugin_files(const std::vector<fs::path>& dirs) {
    std::vector<fs::path> files;
    std::set<fs::path> seen;
    for (const auto& dir : dirs) {
        std::error_code problem; // a directory that is not there has no plugins
        std::vector<fs::path> here;
        for (fs::directory_iterator entry(dir, problem), end; !problem && entry != end; entry.increment(problem))
            if (entry->path().extension() == ".so" && is_file(entry->path())) here.push_back(entry->path());
        std::ranges::sort(here);
        for (auto& file : here)
            if (seen.insert(file.filename()).second) files.push_back(std::move(file));
    }
    return files;
}

Result<fs::path> installed_plugin_dir() {
    std::error_code problem;
    const auto program = fs::read_symlink("/proc/self/exe", problem);
    if (problem) return fail(ErrorCode::io, "find this program: " + problem.message());
    return program.parent_path().parent_path() / "lib/castra/plugins";
}

} // namespace castra
