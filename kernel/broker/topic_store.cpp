// SPDX-License-Identifier: Apache-2.0
#include "broker/topic_store.hpp"

#include "host/files.hpp"

#include <algorithm>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

namespace castra::broker {
namespace {

using nlohmann::json;
constexpr const char* newer_name = "newer.ndjson";
constexpr const char* older_name = "older.ndjson";
constexpr const char* damaged_suffix = ".damaged";
constexpr const char* cursors_name = "cursors.json";
constexpr std::int64_t index_step_bytes = 65536;
constexpr std::size_t cursors_bytes_max = 4 << 20;

std::string folder_name(std::string topic) {
    std::ranges::replace(topic, '/', '+'); // which no topic contains
    return topic;
}
std::string topic_name(std::string folder) {
    std::ranges::replace(folder, '+', '/');
    return folder;
}

std::optional<Record> record_of(std::string_view line) {
    const auto parsed = json::parse(line, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("payload")) return std::nullopt;
    const auto seq = parsed.find("seq");
    const auto from = parsed.find("from");
    if (seq == parsed.end() || !seq->is_number_integer() || from == parsed.end() || !from->is_string())
        return std::nullopt;
    return Record{seq->get<std::int64_t>(), from->get<std::string>(), parsed["payload"].dump()};
}

} // namespace

Result<TopicStore> TopicStore::open(std::filesystem::path dir, Settings settings, std::vector<std::string>& problems) {
    CASTRA_CHECK(files::make_directories(dir));
    TopicStore store(std::move(dir), settings);
    std::error_code error;
    for (std::filesystem::directory_iterator at(store.dir_, error), end; !error && at != end; at.increment(error)) {
        if (!at->is_directory(error)) continue;
        if (auto loaded = store.load(at->path(), problems); !loaded) problems.push_back(loaded.error().text);
    }
    if (const auto text = files::read(store.dir_ / cursors_name, cursors_bytes_max)) {
        const auto parsed = json::parse(*text, nullptr, false);
        if (parsed.is_object())
            for (const auto& [name, seq] : parsed.items())
                if (seq.is_number_unsigned()) store.cursors_[name] = seq.get<std::int64_t>();
    }
    return store;
}

// Reads what is whole, and cuts off what is not.
Result<TopicStore::File> TopicStore::scan(const std::filesystem::path& path, std::int64_t& last_seq,
                                          std::vector<std::string>& problems) {
    File file;
    if (!files::exists(path)) return file;
    CASTRA_TRY(text, files::read(path, std::size_t{1} << 31U));
    std::size_t at = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', at)) {
        const auto record = record_of(std::string_view(text).substr(at, end - at));
        if (!record || record->seq <= last_seq) break;
        file.bytes = static_cast<std::int64_t>(at);
        if (file.first_seq == 0) file.first_seq = record->seq;
        note(file, record->seq);
        last_seq = file.last_seq = record->seq;
        at = end + 1;
        file.bytes = static_cast<std::int64_t>(at);
    }
    if (text.find('\n', at) != std::string::npos) { // no torn end: whole lines that are no records of ours
        const auto aside = path.string() + damaged_suffix;
        std::error_code error;
        std::filesystem::copy_file(path, aside, std::filesystem::copy_options::overwrite_existing, error);
        if (error) return fail(ErrorCode::io, path.string() + " is damaged, and cannot be copied: " + error.message());
        problems.push_back(path.string() + " is damaged behind record " + std::to_string(last_seq) +
                           ": what follows is given up, all of it is in " + aside);
    }
    if (at < text.size() && ::truncate(path.c_str(), static_cast<off_t>(at)) != 0)
        return fail_errno("cut off the torn end of " + path.string());
    return file;
}

void TopicStore::note(File& file, std::int64_t seq) {
    if (file.index.empty() || file.bytes - file.index.back().second >= index_step_bytes)
        file.index.emplace_back(seq, file.bytes);
}

Result<> TopicStore::load(const std::filesystem::path& folder, std::vector<std::string>& problems) {
    Topic topic;
    topic.folder = folder;
    CASTRA_TRY(older, scan(folder / older_name, topic.last_seq, problems));
    topic.older = std::move(older);
    CASTRA_TRY(newer, scan(folder / newer_name, topic.last_seq, problems));
    topic.newer = std::move(newer);
    topics_.emplace(topic_name(folder.filename()), std::move(topic));
    return {};
}

Result<TopicStore::Topic*> TopicStore::topic_to_write(const std::string& name) {
    auto found = topics_.find(name);
    if (found == topics_.end()) {
        if (topics_.size() >= static_cast<std::size_t>(settings_.topics_max))
            return fail(ErrorCode::usage, "there are " + std::to_string(settings_.topics_max) + " durable topics",
                        "raise [broker] topics_max");
        Topic topic;
        topic.folder = dir_ / folder_name(name);
        CASTRA_CHECK(files::make_directories(topic.folder));
        found = topics_.emplace(name, std::move(topic)).first;
    }
    auto& topic = found->second;
    if (topic.newer.bytes * 2 >= settings_.topic_bytes_max) {
        topic.fd.reset();
        if (::rename((topic.folder / newer_name).c_str(), (topic.folder / older_name).c_str()) != 0)
            return fail_errno("rename " + (topic.folder / newer_name).string());
        topic.older = std::move(topic.newer);
        topic.newer = {};
    }
    if (!topic.fd) {
        const auto path = topic.folder / newer_name;
        topic.fd.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!topic.fd) return fail_errno("open " + path.string());
        UniqueFd folder(::open(topic.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (folder) (void)::fsync(folder.get()); // the file's name is to last as its records do
    }
    return &topic;
}

Result<std::int64_t> TopicStore::append(const std::string& name, const std::string& from, const std::string& payload) {
    CASTRA_TRY(topic, topic_to_write(name));
    const auto seq = topic->last_seq + 1;
    const auto line = "{\"seq\":" + std::to_string(seq) + ",\"from\":\"" + from + "\",\"payload\":" + payload + "}\n";
    const auto written = ::write(topic->fd.get(), line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size())) {
        const auto failure = written < 0 ? fail_errno("write to " + topic->folder.string())
                                         : fail_errno("write to " + topic->folder.string(), ENOSPC);
        if (::ftruncate(topic->fd.get(), topic->newer.bytes) != 0) topic->fd.reset();
        return failure;
    }
    if (topic->newer.first_seq == 0) topic->newer.first_seq = seq;
    note(topic->newer, seq);
    topic->newer.bytes += written;
    topic->last_seq = topic->newer.last_seq = seq;
    topic->is_dirty = true;
    return seq;
}

std::set<std::string> TopicStore::sync() {
    std::set<std::string> failed;
    for (auto& [name, topic] : topics_) {
        if (!topic.is_dirty) continue;
        topic.is_dirty = false;
        if (!topic.fd || ::fdatasync(topic.fd.get()) != 0) failed.insert(name);
    }
    return failed;
}

Result<Replay> TopicStore::read(const std::string& name, std::int64_t after) const {
    Replay replay;
    const auto found = topics_.find(name);
    if (found == topics_.end()) return replay;
    const auto& topic = found->second;
    replay.last_seq = topic.last_seq;
    if (after >= topic.last_seq) return replay;
    const bool from_older = after < topic.older.last_seq;
    const auto& file = from_older ? topic.older : topic.newer;
    std::int64_t offset = 0;
    for (const auto& [seq, at] : file.index)
        if (seq <= after + 1) offset = at;
    const auto path = topic.folder / (from_older ? older_name : newer_name);
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail_errno("open " + path.string());
    // Up to the index's next entry, and one record more.
    std::string text(static_cast<std::size_t>(index_step_bytes) + 2 * limits::frame_bytes_max, '\0');
    const auto size = ::pread(fd.get(), text.data(), text.size(), offset);
    if (size < 0) return fail_errno("read " + path.string());
    text.resize(static_cast<std::size_t>(size));
    std::size_t at = 0;
    std::size_t bytes = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', at)) {
        auto record = record_of(std::string_view(text).substr(at, end - at));
        if (!record) return fail(ErrorCode::io, path.string() + " is damaged");
        if (record->seq > after) {
            bytes += end - at;
            if (!replay.records.empty() && bytes > limits::replay_chunk_bytes) break;
            replay.records.push_back(std::move(*record));
        }
        at = end + 1;
    }
    return replay;
}

std::vector<TopicFacts> TopicStore::topics() const {
    std::vector<TopicFacts> out;
    for (const auto& [name, topic] : topics_)
        out.push_back({name, topic.older.first_seq > 0 ? topic.older.first_seq : topic.newer.first_seq, topic.last_seq,
                       topic.older.bytes + topic.newer.bytes});
    return out;
}

std::int64_t TopicStore::cursor(const std::string& reader, const std::string& topic) const {
    const auto found = cursors_.find(reader + " " + topic);
    return found == cursors_.end() ? 0 : found->second;
}

Result<> TopicStore::save_cursors(const std::map<std::string, std::int64_t>& cursors) {
    cursors_ = cursors;
    return files::replace(dir_ / cursors_name, json(cursors).dump(), true);
}

} // namespace castra::broker
