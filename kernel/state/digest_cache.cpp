// SPDX-License-Identifier: Apache-2.0
#include "state/digest_cache.hpp"

#include "host/files.hpp"

#include <nlohmann/json.hpp>

namespace castra {
namespace {

constexpr std::size_t cache_bytes_max = 1 << 20;

struct Entry {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size_bytes = 0, mtime_ns = 0, ctime_ns = 0;
    std::string sha256;
    FileIdentity identity() const { return {device, inode, size_bytes, mtime_ns, ctime_ns}; }
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Entry, device, inode, size_bytes, mtime_ns, ctime_ns, sha256)

std::vector<Entry> load(const std::filesystem::path& file) {
    const auto text = files::read(file, cache_bytes_max);
    if (!text) return {};
    try {
        return nlohmann::json::parse(*text).get<std::vector<Entry>>();
    } catch (const nlohmann::json::exception&) {
        return {};
    }
}

} // namespace

std::optional<std::string> DigestCache::find(const FileIdentity& identity) const {
    for (const auto& entry : load(file_))
        if (entry.identity() == identity) return entry.sha256;
    return std::nullopt;
}

Result<> DigestCache::remember(const FileIdentity& identity, const std::string& sha256,
                               std::int64_t now_unix_us) const {
    if (now_unix_us * 1000 - identity.ctime_ns < settled_ns) return {};
    return remember_own(identity, sha256);
}

Result<> DigestCache::remember_own(const FileIdentity& identity, const std::string& sha256) const {
    auto entries = load(file_);
    std::erase_if(entries, [&](const Entry& entry) {
        return entry.identity() == identity || (entry.device == identity.device && entry.inode == identity.inode);
    });
    if (entries.size() >= entries_max)
        entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(entries_max - 1));
    entries.push_back(
        {identity.device, identity.inode, identity.size_bytes, identity.mtime_ns, identity.ctime_ns, sha256});
    CASTRA_CHECK(files::make_directories(file_.parent_path()));
    return files::replace(file_, nlohmann::json(entries).dump(1) + "\n", false);
}

} // namespace castra
