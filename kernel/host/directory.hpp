// SPDX-License-Identifier: Apache-2.0
// A directory held open, for removing what is in it: every name is looked up in this very directory and never through
// a symbolic link or into another file system. So whatever is planted or renamed meanwhile, nothing outside goes.
// Errors: io, naming the path; what was removed before stays removed.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace castra {

class Directory {
public:
    static constexpr int depth_max = 32; // of a tree that is removed

    struct Entry {
        enum class Kind { file, directory, link, other };
        std::string name;
        Kind kind = Kind::other;
        // Given back when it goes: blocks, not length; 0 for a file that has another name elsewhere.
        std::int64_t allocated_bytes = 0;
    };

    // not_found when absent. The last part of `path` must be no symbolic link.
    static Result<Directory> open(const std::filesystem::path& path);
    Result<Directory> child(const std::string& name) const;

    const std::filesystem::path& path() const { return path_; }
    bool is_own() const { return is_own_; }     // belongs to this user
    Result<std::vector<Entry>> entries() const; // sorted by name
    std::optional<Entry> find(const std::string& name) const;
    // Of an entry and everything in it.
    Result<std::int64_t> allocated_bytes(const std::string& name) const;

    Result<> remove(const std::string& name) const;          // no directory; absent is fine
    Result<> remove_tree(const std::string& name) const;     // absent is fine
    Result<> remove_if_empty(const std::string& name) const; // a directory; one that is not empty stays

private:
    Directory(UniqueFd fd, std::filesystem::path path, std::uint64_t device, bool is_own, int depth)
        : fd_(std::move(fd)), path_(std::move(path)), device_(device), is_own_(is_own), depth_(depth) {}
    static Result<Directory> adopt(UniqueFd fd, std::filesystem::path path, int depth);
    std::string naming(const char* doing, const std::string& name) const;

    UniqueFd fd_;
    std::filesystem::path path_;
    std::uint64_t device_ = 0;
    bool is_own_ = false;
    int depth_ = 0;
};

} // namespace castra
