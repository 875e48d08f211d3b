// SPDX-License-Identifier: Apache-2.0
#include "plugin/quarantine.hpp"

#include "host/files.hpp"
#include "plugin/json_text.hpp"

#include <algorithm>

namespace castra {
namespace {

constexpr std::size_t entry_bytes_max = 64 * 1024;

std::optional<QuarantinedPlugin> read_entry(const std::filesystem::path& file) {
    const auto text = files::read(file, entry_bytes_max);
    if (!text) return std::nullopt;
    QuarantinedPlugin entry;
    entry.sha256 = file.stem().string();
    entry.reason = "an entry that cannot be read: " + file.string();
    const auto parsed = parse_json_object(*text);
    if (!parsed) return entry; // in doubt it stays locked up
    try {
        entry.plugin = parsed->value("plugin", "");
        entry.file = parsed->value("file", "");
        entry.reason = parsed->value("reason", entry.reason);
        entry.at_unix_us = parsed->value("at_unix_us", std::int64_t{0});
    } catch (const nlohmann::json::exception&) { // what was read so far will do
    }
    return entry;
}

} // namespace

bool PluginQuarantine::is_empty() const {
    std::error_code problem;
    return dir_.empty() || std::filesystem::directory_iterator(dir_, problem) == std::filesystem::directory_iterator();
}

std::optional<QuarantinedPlugin> PluginQuarantine::find(const std::string& sha256) const {
    if (dir_.empty() || !files::exists(file_of(sha256))) return std::nullopt;
    return read_entry(file_of(sha256));
}

std::vector<QuarantinedPlugin> PluginQuarantine::list() const {
    std::vector<QuarantinedPlugin> all;
    std::error_code problem;
    for (std::filesystem::directory_iterator entry(dir_, problem), end; !problem && entry != end;
         entry.increment(problem))
        if (entry->path().extension() == ".json")
            if (auto read = read_entry(entry->path())) all.push_back(std::move(*read));
    std::ranges::sort(all, {}, &QuarantinedPlugin::sha256);
    return all;
}

Result<> PluginQuarantine::put(const QuarantinedPlugin& plugin) const {
    if (dir_.empty()) return {};
    CASTRA_CHECK(files::make_directories(dir_));
    const nlohmann::ordered_json entry{{"plugin", plugin.plugin},
                                       {"file", plugin.file},
                                       {"sha256", plugin.sha256},
                                       {"reason", plugin.reason},
                                       {"at_unix_us", plugin.at_unix_us}};
    return files::replace(file_of(plugin.sha256),
                          entry.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", false);
}

} // namespace castra
