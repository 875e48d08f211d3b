// SPDX-License-Identifier: Apache-2.0
// The run journals of one project, found and read: one file a run, journal/<run_id>.ndjson. Reads only, and needs no
// supervisor. Order: by run id, which is a ULID and so sorts by the time a run began (by the wall clock).
// Limits: a line of at most contract::line_bytes_max. Thread: any, one at a time.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace castra {

struct JournalFile {
    std::string run_id;
    std::filesystem::path path;
    std::int64_t bytes = 0;
    bool is_read_only = false; // whoever concluded it has seen its summary: it need not be read for that again
};

// What the first and the last line of a journal say.
struct RunDigest {
    JournalFile file;
    std::string operation, project;
    std::string began, ended; // UTC as on the wire; `ended` is the time of the last event
    std::string outcome;      // empty: not sealed, the run goes on or its supervisor was killed
    std::int64_t exit_code = 0, events = 0;
    bool is_sealed() const { return !outcome.empty(); }
};

class JournalStore {
public:
    explicit JournalStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

    const std::filesystem::path& directory() const { return directory_; }
    // Newest first; none when there is no directory. Errors: io, it cannot be read.
    Result<std::vector<JournalFile>> list() const;
    std::vector<JournalFile> runs() const { return list().value_or(std::vector<JournalFile>()); }
    std::optional<JournalFile> find(const std::string& run_id) const;

private:
    std::filesystem::path directory_;
};

// Whether its last event is a summary: the run has ended and told so. Reads the last line alone, and of a read-only
// journal nothing.
bool is_sealed(const JournalFile& file);
// Unreadable or damaged: what could be told, the rest empty.
RunDigest digest_of(const JournalFile& file);

// Follows one journal from its beginning, also while it grows and when its torn end is cut off by a sealer. Keeps its
// descriptor: a journal that is removed meanwhile can be read to its end.
class JournalReader {
public:
    // Errors: not_found, io.
    static Result<JournalReader> open(const JournalFile& file);

    // The next whole lines, each with its line feed; empty: there are no more now. Errors: io, a line without an end.
    Result<std::vector<std::string>> next_lines();
    std::int64_t offset() const { return offset_; } // behind the last line that was handed out

private:
    JournalReader(UniqueFd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
    UniqueFd fd_;
    std::filesystem::path path_;
    std::int64_t offset_ = 0;
};

} // namespace castra
