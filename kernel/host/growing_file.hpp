// SPDX-License-Identifier: Apache-2.0
// A log that others write: gives what was appended since the last look, whatever they do to the file meanwhile. Renamed
// away (rotated): the rest of the old one, then the new one from its start. Truncated: from its start. Not there: it
// may come. Never blocks, never follows a link. Cannot see: truncated and grown beyond where it was between two looks.
// Limits: one look gives bytes_max; look again while is_behind().
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace castra {

class GrowingFile {
public:
    static constexpr std::size_t bytes_max = 1 << 20;

    explicit GrowingFile(std::filesystem::path path) : path_(std::move(path)) {}

    // Empty: nothing new.
    std::string read_new();
    bool is_behind() const { return is_behind_; }
    // The first look begins where the last `count` lines do; 0: at the end. Only before the first look.
    void start_at_last_lines(std::size_t count);
    // Why the last look found nothing although something is there: it may not be read, or is no file.
    const std::optional<Error>& problem() const { return problem_; }
    const std::filesystem::path& path() const { return path_; }

private:
    bool open();
    std::string read_on();
    bool was_replaced() const;

    std::filesystem::path path_;
    UniqueFd fd_;
    std::uint64_t device_ = 0, inode_ = 0;
    std::int64_t at_ = 0;
    std::optional<Error> problem_;
    bool is_behind_ = false;
};

} // namespace castra
