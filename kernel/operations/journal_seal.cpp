// SPDX-License-Identifier: Apache-2.0
#include "operations/journal_seal.hpp"

#include "bus/journal.hpp"
#include "contract/sealer.hpp"
#include "host/files.hpp"
#include "operations/exit_code.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace castra {
namespace {

constexpr const char* why = "aborted: its supervisor ended before the run did; sealed when castra was started again";

Result<> write_whole(int fd, std::string_view bytes, std::int64_t offset, const std::string& doing) {
    while (!bytes.empty()) {
        const auto size = ::pwrite(fd, bytes.data(), bytes.size(), offset);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return fail_errno(doing);
        bytes.remove_prefix(static_cast<std::size_t>(size));
        offset += size;
    }
    if (::fdatasync(fd) != 0) return fail_errno(doing);
    return {};
}

// Follows the stream up to its first line that is no good; returns where that begins.
Result<std::int64_t> follow(const JournalFile& file, contract::Sealer& sealer) {
    CASTRA_TRY(reader, JournalReader::open(file));
    std::int64_t good = 0;
    while (true) {
        auto lines = reader.next_lines();
        if (!lines || lines->empty()) return good; // a line without an end is cut off, too
        for (const auto& line : *lines) {
            if (!sealer.follow(std::string_view(line).substr(0, line.size() - 1))) return good;
            good += static_cast<std::int64_t>(line.size());
        }
    }
}

// Copied first, cut second: killed in between, nothing is lost and the next start does it again.
Result<> cut(int fd, const JournalFile& file, std::int64_t good, const std::filesystem::path& torn) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return fail_errno("look at " + file.path.string());
    if (info.st_size == good) return {};
    CASTRA_CHECK(files::make_directories(torn.parent_path()));
    std::string rest(static_cast<std::size_t>(info.st_size - good), '\0');
    if (::pread(fd, rest.data(), rest.size(), good) != static_cast<ssize_t>(rest.size()))
        return fail_errno("read " + file.path.string());
    CASTRA_CHECK(files::replace(torn, rest));
    if (::ftruncate(fd, good) != 0) return fail_errno("cut " + file.path.string());
    return {};
}

UniqueFd open_held(const JournalFile& file) {
    UniqueFd fd(::open(file.path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd) hold_journal(fd.get());
    return fd;
}

// Blocks behind its end that its writer was killed with are given back first: nobody writes to it afterwards. Whatever
// fails is tried again by the next start.
void make_read_only(const JournalFile& file) {
    const auto fd = open_held(file);
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0 || ::ftruncate(fd.get(), info.st_size) != 0) return;
    [[maybe_unused]] const int done = ::fchmod(fd.get(), S_IRUSR);
}

Result<> seal(const Layout& layout, const JournalFile& file, Clock& clock) {
    contract::Sealer sealer;
    CASTRA_TRY(good, follow(file, sealer));
    const auto fd = open_held(file);
    if (!fd) return fail_errno("open " + file.path.string());
    CASTRA_CHECK(cut(fd.get(), file, good, layout.torn(file.run_id)));
    if (sealer.is_sealed()) return {};                        // what was cut stood behind its summary
    if (!sealer.has_begun()) return files::remove(file.path); // nobody was ever told of this run
    const auto owed = sealer.seal(clock.unix_us(), exit_code::aborted, why);
    auto written = write_whole(fd.get(), owed, good, "append to journal " + file.path.string());
    if (!written && ::ftruncate(fd.get(), good) != 0) return fail_errno("cut " + file.path.string());
    return written;
}

} // namespace

SealedRuns seal_dead_runs(const Layout& layout, Clock& clock) {
    SealedRuns result;
    for (const auto& file : JournalStore(layout.journal_dir()).runs()) {
        if (file.is_read_only) continue;
        if (is_sealed(file))
            make_read_only(file);
        else if (const auto sealed = seal(layout, file, clock))
            result.sealed.push_back(file.run_id);
        else
            result.problems.push_back(sealed.error().within("seal run " + file.run_id));
    }
    return result;
}

} // namespace castra
