// SPDX-License-Identifier: Apache-2.0
#include "image_worker/download.hpp"

#include "base/unique_fd.hpp"
#include "host/files.hpp"

#include <algorithm>
#include <curl/curl.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace castra::image_worker {
namespace {

constexpr std::int64_t progress_step_bytes = 4 << 20;
constexpr int first_pause_ms = 500;

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

// One connection's worth of a download.
struct Transfer {
    CURL* curl;
    int fd;
    std::int64_t from;        // bytes that were there
    std::int64_t size = 0;    // bytes that are there now
    std::int64_t total = 0;   // 0: unknown
    std::int64_t told = 0;    // the last progress
    bool is_checked = false;  // the answer's kind was looked at
    bool starts_over = false; // the server does not go on where we were
    int attempt;
    std::optional<Error> error;
    Wire& wire;
};

Error full_disk(std::int64_t needed, std::int64_t free) {
    return {ErrorCode::preflight,
            "the disk has " + std::to_string(free) + " bytes left, and the rest of the image takes " +
                std::to_string(needed),
            "free some space where XDG_CACHE_HOME is, or castra clean --all --only images"};
}

// At the first byte of the body: is this the part we asked for, and does the rest fit?
bool check_answer(Transfer& transfer) {
    long status = 0;
    curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
    transfer.is_checked = true;
    if (status != 206 && transfer.from > 0) { // the whole file: no ranges here, or another file by now
        if (::ftruncate(transfer.fd, 0) != 0 || ::lseek(transfer.fd, 0, SEEK_SET) != 0) {
            transfer.error = fail_errno("begin the image again").value();
            return false;
        }
        transfer.starts_over = true;
        transfer.from = transfer.size = transfer.told = 0;
        ++transfer.attempt;
        transfer.wire.note("the server does not continue downloads: from the beginning again");
    }
    curl_off_t length = -1;
    curl_easy_getinfo(transfer.curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length < 0) return true;
    transfer.total = transfer.from + length;
    struct statvfs disk {};
    if (::fstatvfs(transfer.fd, &disk) != 0) return true;
    const auto free = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize);
    if (length <= free) return true;
    transfer.error = full_disk(length, free);
    return false;
}

std::size_t take(char* bytes, std::size_t one, std::size_t count, void* pointer) {
    auto& transfer = *static_cast<Transfer*>(pointer);
    if (!transfer.is_checked && !check_answer(transfer)) return 0;
    for (std::size_t at = 0; at < one * count;) {
        const auto written = ::write(transfer.fd, bytes + at, one * count - at);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            transfer.error = errno == ENOSPC || errno == EDQUOT
                                 ? full_disk(std::max<std::int64_t>(0, transfer.total - transfer.size), 0)
                                 : fail_errno("write the image").value();
            return 0;
        }
        at += static_cast<std::size_t>(written);
        transfer.size += written;
    }
    if (transfer.size - transfer.told >= progress_step_bytes) {
        transfer.told = transfer.size;
        transfer.wire.progress(transfer.size, transfer.total, transfer.attempt);
    }
    return one * count;
}

int look_up(void* pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Transfer*>(pointer)->wire.is_abandoned() ? 1 : 0;
}

struct Outcome {
    enum class Kind { whole, broken, refused } kind;
    Error error;
};

Outcome transfer_once(const DownloadRequest& request, Transfer& transfer) {
    const Curl curl(curl_easy_init(), &curl_easy_cleanup);
    transfer.curl = curl.get();
    char text[CURL_ERROR_SIZE] = "";
    const auto range = std::to_string(transfer.from) + "-";
    curl_easy_setopt(curl.get(), CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl.get(), CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_MAXREDIRS, redirects_max);
    curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, connect_seconds_max);
    curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, stalled_seconds_max);
    curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "castra");
    curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, text);
    if (transfer.from > 0) curl_easy_setopt(curl.get(), CURLOPT_RANGE, range.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, look_up);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &transfer);
    const auto code = curl_easy_perform(curl.get());
    if (code == CURLE_OK) return {Outcome::Kind::whole, {}};
    if (transfer.error) return {Outcome::Kind::refused, *transfer.error};
    const auto doing = "download " + request.url + ": " + (text[0] ? text : curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_HTTP_RETURNED_ERROR && status == 416) // nothing beyond what is there: whole, or another file's
        return {Outcome::Kind::whole, {}};
    const bool is_busy = status == 408 || status == 429; // it may answer in a while
    if (code == CURLE_HTTP_RETURNED_ERROR && is_busy)
        return {Outcome::Kind::broken, {ErrorCode::io, doing, "the server is busy: try again later"}};
    if (code == CURLE_HTTP_RETURNED_ERROR && status < 500)
        return {Outcome::Kind::refused, {ErrorCode::preflight, doing, "is base_image the right address?"}};
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT || code == CURLE_TOO_MANY_REDIRECTS ||
        code == CURLE_PEER_FAILED_VERIFICATION)
        return {Outcome::Kind::refused, {ErrorCode::preflight, doing, "is base_image the right address?"}};
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT)
        return {Outcome::Kind::broken,
                {ErrorCode::io, doing, "is base_image the right address, and is the network up? Then try again"}};
    const bool stalled = code == CURLE_OPERATION_TIMEDOUT;
    return {Outcome::Kind::broken,
            {stalled ? ErrorCode::timeout : ErrorCode::io, doing, "try again: what has arrived is kept"}};
}

// Never waits for who reads a pipe that somebody put there.
Result<UniqueFd> open_part(const files::Path& part) {
    UniqueFd fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    const int why = errno;
    struct stat info {};
    const bool is_there = ::lstat(part.c_str(), &info) == 0;
    if (is_there && !S_ISREG(info.st_mode))
        return fail(ErrorCode::io, "open " + part.string() + ": it is no file", cure_of_the_store);
    if (!fd) return fail(ErrorCode::io, fail_errno("open " + part.string(), why).value().text, cure_of_the_cache);
    return fd;
}

// Until the whole file is there. Errors: the last connection's.
Result<bool> fetch(const DownloadRequest& request, const files::Path& part, int& attempt, Wire& wire) {
    CASTRA_TRY(fd, open_part(part));
    const bool resumed = ::lseek(fd.get(), 0, SEEK_END) > 0;
    std::int64_t furthest = 0; // a server that breaks at the same place every time is given up
    for (int barren = 0, wait_ms = first_pause_ms;;) {
        const auto there = static_cast<std::int64_t>(::lseek(fd.get(), 0, SEEK_END));
        Transfer transfer{nullptr, fd.get(), there, there, 0, there, false, false, attempt, {}, wire};
        const auto outcome = transfer_once(request, transfer);
        attempt = transfer.attempt;
        if (outcome.kind == Outcome::Kind::refused) return Failure(outcome.error);
        if (outcome.kind == Outcome::Kind::whole) {
            wire.progress(transfer.size, transfer.size, attempt);
            if (::fsync(fd.get()) != 0) return fail_errno("sync " + part.string());
            return resumed;
        }
        if (transfer.size > std::max(there, furthest)) barren = 0, wait_ms = first_pause_ms;
        furthest = std::max(furthest, transfer.size);
        if (++barren >= tries_max) return Failure(outcome.error);
        wire.note("broke after " + std::to_string(transfer.size) + " bytes (" + outcome.error.text + "): tried again");
        wire.pause(wait_ms);
        wait_ms *= 2;
    }
}

} // namespace

Result<> download(const DownloadRequest& request, Wire& wire) {
    auto part = request.file;
    part += ".part";
    for (int attempt = 1;;) {
        auto fetched = fetch(request, part, attempt, wire);
        if (!fetched) {
            if (fetched.error().text.starts_with("the disk has")) (void)files::remove(part);
            return Failure(fetched.error());
        }
        CASTRA_TRY(digest, files::sha256_of_file(part));
        if (digest == request.sha256) {
            std::error_code error;
            const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(part, error));
            std::filesystem::rename(part, request.file, error);
            if (error) return fail(ErrorCode::io, "rename " + part.string() + ": " + error.message());
            wire.done(digest, bytes, *fetched, false);
            return {};
        }
        CASTRA_CHECK(files::remove(part));
        if (*fetched) { // the beginning may have been another file's
            ++attempt;
            wire.note("what was resumed has a wrong digest: from the beginning again");
            continue;
        }
        return fail(ErrorCode::preflight,
                    "download " + request.url + ": its SHA-256 is " + digest + ", and castra.toml wants " +
                        request.sha256,
                    "is it the file you mean? Then write its digest into sha256; otherwise do not use it");
    }
}

} // namespace castra::image_worker
