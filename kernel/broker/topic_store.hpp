// SPDX-License-Identifier: Apache-2.0
// Durable topics on disk: for each a folder with at most two files of records, the older of which goes when the newer
// is half of topic_bytes_max. One record a line: {"seq":1,"from":"host>all","payload":...}. A torn last line, which a
// crash may leave, is cut off when the folder is opened. Cursors of readers are one small file, replaced whole.
// Blocking; owned by one thread at a time.
#pragma once
#include "base/unique_fd.hpp"
#include "broker/archive.hpp"
#include "broker/limits.hpp"

#include <filesystem>
#include <map>
#include <set>

namespace castra::broker {

class TopicStore {
public:
    // Errors: io. A record that a crash has torn is cut off, for nobody was told that it is kept. A file that is
    // damaged otherwise stays as FILE.damaged, which `problems` tells, and the topic goes on after the last good
    // record.
    static Result<TopicStore> open(std::filesystem::path dir, Settings settings, std::vector<std::string>& problems);

    // Not yet durable: sync() makes it so. Errors: io (nothing of the record stays), usage (topics_max).
    Result<std::int64_t> append(const std::string& topic, const std::string& from, const std::string& payload);
    // Everything appended since the last time, file by file. Answers the topics that could not be synced.
    std::set<std::string> sync();
    // A chunk of what follows `after`, at most replay_chunk_bytes and at least one record.
    Result<Replay> read(const std::string& topic, std::int64_t after) const;
    std::vector<TopicFacts> topics() const;

    std::int64_t cursor(const std::string& reader, const std::string& topic) const;
    Result<> save_cursors(const std::map<std::string, std::int64_t>& cursors); // "reader topic" to seq

    std::map<std::string, std::int64_t> cursors() const { return cursors_; }

private:
    struct File {
        std::int64_t first_seq = 0, last_seq = 0, bytes = 0;
        std::vector<std::pair<std::int64_t, std::int64_t>> index; // seq and offset of a record, one in 64 KiB
    };
    struct Topic {
        std::filesystem::path folder;
        UniqueFd fd; // of the newer file, once it is written to
        File older, newer;
        std::int64_t last_seq = 0;
        bool is_dirty = false;
    };
    TopicStore(std::filesystem::path dir, Settings settings) : dir_(std::move(dir)), settings_(settings) {}
    Result<> load(const std::filesystem::path& folder, std::vector<std::string>& problems);
    static Result<File> scan(const std::filesystem::path& path, std::int64_t& last_seq,
                             std::vector<std::string>& problems);
    static void note(File& file, std::int64_t seq);
    Result<Topic*> topic_to_write(const std::string& name);

    std::filesystem::path dir_;
    Settings settings_;
    std::map<std::string, Topic> topics_;
    std::map<std::string, std::int64_t> cursors_;
};

} // namespace castra::broker
