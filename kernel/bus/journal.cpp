// SPDX-License-Identifier: Apache-2.0
#include "bus/journal.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace castra {
namespace {

class FileJournal final : public Journal {
public:
    FileJournal(UniqueFd fd, std::filesystem::path path, bool has_room)
        : fd_(std::move(fd)), path_(std::move(path)), has_room_(has_room) {}
    ~FileJournal() override {
        if (has_room_) cut(); // gives back what was not needed
    }
    FileJournal(const FileJournal&) = delete;
    FileJournal& operator=(const FileJournal&) = delete;

    Result<> append(std::string_view line, bool durable) override {
        const auto doing = "append to journal " + path_.string();
        std::size_t done = 0;
        while (done < line.size()) {
            const auto written = ::write(fd_.get(), line.data() + done, line.size() - done);
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) {
                const int error = errno;
                cut(); // no torn line
                return fail_errno(doing, error);
            }
            done += static_cast<std::size_t>(written);
        }
        size_ += line.size();
        if (durable && ::fdatasync(fd_.get()) != 0) return fail_errno(doing);
        return {};
    }

private:
    void cut() { [[maybe_unused]] const int done = ::ftruncate(fd_.get(), static_cast<off_t>(size_)); }

    UniqueFd fd_;
    std::filesystem::path path_;
    std::size_t size_ = 0;
    bool has_room_;
};

class NullJournal final : public Journal {
public:
    Result<> append(std::string_view, bool) override { return {}; }
};

constexpr std::int64_t page_bytes = 4096; // the least that is worth to be set aside

// Behind the end of the file, so that it stays as long as what was written.
bool set_blocks_aside(int fd, std::int64_t bytes = journal_reserve_bytes) {
    return ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes) == 0;
}

enum class Reserve { whole, without_blocks, not_ours };

Reserve look_at_reserve(int fd) {
    struct stat info {};
    if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size != 0) return Reserve::not_ours;
    const bool is_whole = static_cast<std::int64_t>(info.st_blocks) * 512 >= journal_reserve_bytes;
    return is_whole ? Reserve::whole : Reserve::without_blocks;
}

std::filesystem::path reserve_in(const std::filesystem::path& directory) {
    return directory / journal_reserve_name;
}

UniqueFd create(const std::filesystem::path& path) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
    if (fd) hold_journal(fd.get());
    return fd;
}

// Puts the reserve in the place of a journal that has no line yet.
UniqueFd made_of_reserve(const std::filesystem::path& directory, const std::filesystem::path& path) {
    const auto reserve = reserve_in(directory);
    UniqueFd fd(::open(reserve.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd || look_at_reserve(fd.get()) != Reserve::whole) return {};
    hold_journal(fd.get());
    if (::rename(reserve.c_str(), path.c_str()) != 0) return {};
    return fd;
}

// Blocks behind the end of a journal that nobody writes any more: its run was killed before it gave them back.
void take_back_from(const std::filesystem::path& path) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return;
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return;
    const bool has_spare = static_cast<std::int64_t>(info.st_blocks) * 512 >= info.st_size + info.st_blksize;
    if (!has_spare) return;
    [[maybe_unused]] const int done = ::ftruncate(fd.get(), info.st_size);
}

void take_back_in(const std::filesystem::path& directory) {
    std::error_code error;
    for (auto at = std::filesystem::directory_iterator(directory, error);
         !error && at != std::filesystem::directory_iterator(); at.increment(error))
        if (at->path().extension() == ".ndjson") take_back_from(at->path());
}

} // namespace

Result<std::unique_ptr<Journal>> create_journal(const std::filesystem::path& path) {
    auto fd = create(path);
    if (!fd) return fail_errno("create journal " + path.string());
    return std::make_unique<FileJournal>(std::move(fd), path, false);
}

Result<std::unique_ptr<Journal>> create_journal_with_room(const std::filesystem::path& path,
                                                          const std::vector<std::filesystem::path>& others) {
    auto fd = create(path);
    int error = errno;
    if (!fd && error == EEXIST) return fail_errno("create journal " + path.string(), error);
    bool has_room = fd && set_blocks_aside(fd.get());
    auto directories = others;
    directories.insert(directories.begin(), path.parent_path());
    for (const auto& directory : directories) {
        if (has_room) break;
        if (auto reserve = made_of_reserve(directory, path)) {
            fd = std::move(reserve);
            has_room = true;
        }
    }
    if (!has_room) std::ranges::for_each(directories, take_back_in);
    if (!fd) {
        fd = create(path);
        error = errno;
    }
    if (!fd) return fail_errno("create journal " + path.string(), error);
    for (auto bytes = journal_reserve_bytes; !has_room && bytes >= page_bytes; bytes /= 2)
        has_room = set_blocks_aside(fd.get(), bytes);
    return std::make_unique<FileJournal>(std::move(fd), path, true);
}

void hold_journal(int fd) {
    while (::flock(fd, LOCK_EX) != 0 && errno == EINTR) {
    }
}

void keep_journal_reserve(const std::filesystem::path& directory) {
    const auto path = reserve_in(directory);
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (!fd || look_at_reserve(fd.get()) != Reserve::without_blocks) return;
    if (!set_blocks_aside(fd.get())) ::unlink(path.c_str());
}

std::unique_ptr<Journal> make_null_journal() {
    return std::make_unique<NullJournal>();
}

} // namespace castra
