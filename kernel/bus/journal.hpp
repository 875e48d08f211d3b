// SPDX-License-Identifier: Apache-2.0
// The journal of one run: append-only NDJSON, the truth that every sink is told from.
// Owner: the bus. Thread: the kernel's.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace castra {

class Journal {
public:
    virtual ~Journal() = default;
    // The whole line is on its way to disk when this returns; with `durable` it has arrived. Errors: io.
    virtual Result<> append(std::string_view line, bool durable) = 0;
};

// A file that must not exist yet, mode 0600. On a failed write the torn rest is cut off again.
Result<std::unique_ptr<Journal>> create_journal(const std::filesystem::path& path);
// The same for a run that leads out of a full disk: it has room for journal_reserve_bytes before it begins, made of the
// reserve of its directory, or else of one of `others`, where the disk has none left; where those are spent, as much
// of it as journals give back whose runs were killed.
Result<std::unique_ptr<Journal>> create_journal_with_room(const std::filesystem::path& path,
                                                          const std::vector<std::filesystem::path>& others = {});

// Whoever writes a journal holds its lock (flock), for as long as `fd` is open: only so may others take back blocks
// that lie behind its end. It is waited for; it is held by others for moments only.
void hold_journal(int fd);

inline constexpr std::int64_t journal_reserve_bytes = 65536; // some 150 events
// Sets blocks aside for one such run, as the file `reserve` in a directory of journals; nothing where they are, or
// where the disk has none to give.
void keep_journal_reserve(const std::filesystem::path& directory);
inline constexpr const char* journal_reserve_name = "reserve";

// For runs that must leave no trace: reads, and commands that are refused before anything was touched.
std::unique_ptr<Journal> make_null_journal();

} // namespace castra
