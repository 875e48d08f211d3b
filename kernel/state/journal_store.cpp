// SPDX-License-Identifier: Apache-2.0
#include "state/journal_store.hpp"

#include "base/ulid.hpp"
#include "contract/envelope.hpp"

#include <algorithm>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

namespace castra {
namespace {

constexpr std::size_t batch_bytes = 4 * contract::line_bytes_max;
constexpr std::string_view suffix = ".ndjson";

std::int64_t size_of(int fd) {
    struct stat info {};
    return ::fstat(fd, &info) == 0 ? static_cast<std::int64_t>(info.st_size) : 0;
}

// No more room than the file has bytes: a start looks at every journal.
std::string read_at(int fd, std::int64_t offset, std::size_t bytes_max) {
    const auto left = static_cast<std::size_t>(std::max<std::int64_t>(0, size_of(fd) - offset));
    bytes_max = std::min(bytes_max, left);
    std::string text(bytes_max, '\0');
    std::size_t done = 0;
    while (done < bytes_max) {
        const auto size = ::pread(fd, text.data() + done, bytes_max - done, offset + static_cast<std::int64_t>(done));
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        done += static_cast<std::size_t>(size);
    }
    text.resize(done);
    return text;
}

// An event of any minor, or of a damaged file: what is absent or of another type is empty.
std::string text_in(const nlohmann::json& event, const char* key) {
    const auto found = event.find(key);
    return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
}
std::int64_t number_in(const nlohmann::json& event, const char* key) {
    const auto found = event.find(key);
    return found != event.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

constexpr std::size_t short_line_bytes = 4096; // what most lines have room in; only a longer one is read for whole

nlohmann::json first_event(int fd) {
    auto text = read_at(fd, 0, short_line_bytes);
    if (text.find('\n') == std::string::npos) text = read_at(fd, 0, contract::line_bytes_max);
    return nlohmann::json::parse(text.substr(0, text.find('\n')), nullptr, false);
}

// Of the last whole line; a torn one behind it is ignored.
nlohmann::json last_event(int fd) {
    const auto size = size_of(fd);
    for (const std::size_t bytes : {short_line_bytes, 2 * contract::line_bytes_max}) { // with what may be torn behind
        const auto from = std::max<std::int64_t>(0, size - static_cast<std::int64_t>(bytes));
        const auto text = read_at(fd, from, bytes);
        const auto end = text.rfind('\n');
        if (end == std::string::npos) continue;
        const auto before = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
        if (before == std::string::npos && from > 0) continue;
        const auto begin = before == std::string::npos ? 0 : before + 1;
        return nlohmann::json::parse(text.substr(begin, end - begin), nullptr, false);
    }
    return nlohmann::json::value_t::discarded;
}

} // namespace

Result<std::vector<JournalFile>> JournalStore::list() const {
    std::vector<JournalFile> found;
    std::error_code error;
    for (auto at = std::filesystem::directory_iterator(directory_, error); !error && at != std::filesystem::end(at);
         at.increment(error)) {
        const auto name = at->path().filename().string();
        if (!name.ends_with(suffix)) continue;
        if (auto file = find(name.substr(0, name.size() - suffix.size()))) found.push_back(std::move(*file));
    }
    if (error && error != std::errc::no_such_file_or_directory)
        return fail(ErrorCode::io, "list the runs in " + directory_.string() + ": " + error.message(),
                    "see to it that the directory can be read, or ask as the user whose it is");
    std::ranges::sort(found, std::ranges::greater(), &JournalFile::run_id);
    return found;
}

std::optional<JournalFile> JournalStore::find(const std::string& run_id) const {
    if (!is_ulid(run_id)) return {};
    auto path = directory_ / (run_id + std::string(suffix));
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    return JournalFile{run_id, std::move(path), static_cast<std::int64_t>(info.st_size), (info.st_mode & S_IWUSR) == 0};
}

bool is_sealed(const JournalFile& file) {
    if (file.is_read_only) return true;
    const UniqueFd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return false;
    const auto last = last_event(fd.get());
    return last.is_object() && text_in(last, "type") == "summary" && !text_in(last, "outcome").empty();
}

RunDigest digest_of(const JournalFile& file) {
    RunDigest digest;
    digest.file = file;
    const UniqueFd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return digest;
    digest.file.bytes = size_of(fd.get());
    if (const auto first = first_event(fd.get()); first.is_object()) {
        digest.operation = text_in(first, "operation");
        digest.project = text_in(first, "project");
        digest.began = text_in(first, "time");
    }
    if (const auto last = last_event(fd.get()); last.is_object()) {
        digest.events = number_in(last, "seq");
        digest.ended = text_in(last, "time");
        if (text_in(last, "type") == "summary") {
            digest.outcome = text_in(last, "outcome");
            digest.exit_code = number_in(last, "exit_code");
        }
    }
    return digest;
}

Result<JournalReader> JournalReader::open(const JournalFile& file) {
    UniqueFd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd && errno == ENOENT) return fail(ErrorCode::not_found, "read " + file.path.string() + ": no such file");
    if (!fd) return fail_errno("read " + file.path.string());
    return JournalReader(std::move(fd), file.path);
}

Result<std::vector<std::string>> JournalReader::next_lines() {
    std::vector<std::string> lines;
    offset_ = std::min(offset_, size_of(fd_.get())); // a sealer cut damaged lines away
    const auto text = read_at(fd_.get(), offset_, batch_bytes);
    std::size_t at = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', at)) {
        lines.push_back(text.substr(at, end + 1 - at));
        at = end + 1;
    }
    if (lines.empty() && text.size() == batch_bytes)
        return fail(ErrorCode::io, "read " + path_.string() + ": byte " + std::to_string(offset_) +
                                       " begins a line that is longer than any event");
    offset_ += static_cast<std::int64_t>(at);
    return lines;
}

} // namespace castra
