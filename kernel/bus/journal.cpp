// SPDX-License-Identifier: Apache-2.0
#include "bus/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace castra {
namespace {

class FileJournal final : public Journal {
public:
    FileJournal(UniqueFd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}

    Result<> append(std::string_view line, bool durable) override {
        const auto doing = "append to journal " + path_.string();
        std::size_t done = 0;
        while (done < line.size()) {
            const auto written = ::write(fd_.get(), line.data() + done, line.size() - done);
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) {
                const int error = errno;
                [[maybe_unused]] const int cut = ::ftruncate(fd_.get(), static_cast<off_t>(size_)); // no torn line
                return fail_errno(doing, error);
            }
            done += static_cast<std::size_t>(written);
        }
        size_ += line.size();
        if (durable && ::fdatasync(fd_.get()) != 0) return fail_errno(doing);
        return {};
    }

private:
    UniqueFd fd_;
    std::filesystem::path path_;
    std::size_t size_ = 0;
};

class NullJournal final : public Journal {
public:
    Result<> append(std::string_view, bool) override { return {}; }
};

} // namespace

Result<std::unique_ptr<Journal>> create_journal(const std::filesystem::path& path) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
    if (!fd) return fail_errno("create journal " + path.string());
    return std::make_unique<FileJournal>(std::move(fd), path);
}

std::unique_ptr<Journal> make_null_journal() {
    return std::make_unique<NullJournal>();
}

} // namespace castra
