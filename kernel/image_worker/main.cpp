// SPDX-License-Identifier: Apache-2.0
// castra-image-worker: the slow work on images, in a process of its own, so that castra's one thread never waits for a
// network or a disk, a cancel is the end of this process, and castra itself does not carry libcurl.
//   castra-image-worker FD download URL SHA256 FILE
//   castra-image-worker FD digest FILE
// Started by castra only.
#include "host/file_lock.hpp"
#include "host/files.hpp"
#include "image_worker/download.hpp"

#include <csignal>
#include <cstdlib>
#include <curl/curl.h>

namespace {

using namespace castra;

Result<> digest(const std::filesystem::path& file, image_worker::Wire& wire) {
    CASTRA_TRY(sha256, files::sha256_of_file(file));
    std::error_code error;
    wire.done(sha256, static_cast<std::int64_t>(std::filesystem::file_size(file, error)), false, true);
    return {};
}

Error in_the_cache(Error error) {
    error.hint =
        error.hint.empty() ? image_worker::cure_of_the_cache : error.hint + "; or " + image_worker::cure_of_the_cache;
    return error;
}

// Whoever comes second waits for the first and finds its file.
Result<> download_locked(const image_worker::DownloadRequest& request, image_worker::Wire& wire) {
    const auto folder = request.file.parent_path();
    if (const auto made = files::make_directories(folder.parent_path()); !made)
        return Failure(in_the_cache(made.error()));
    const auto lock = FileLock::wait_lock(folder.parent_path() / ("." + folder.filename().string() + ".lock"),
                                          "castra-image-worker " + std::to_string(::getpid()));
    if (!lock) return Failure(in_the_cache(lock.error()));
    if (const auto made = files::make_directories(folder); !made) return Failure(in_the_cache(made.error()));
    if (files::exists(request.file)) {
        std::error_code error;
        if (const auto there = std::filesystem::status(request.file, error);
            std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
            return fail(ErrorCode::preflight, "image " + request.file.string() + " is no file",
                        image_worker::cure_of_the_store);
        const auto sha256 = files::sha256_of_file(request.file);
        if (sha256 && *sha256 == request.sha256) return digest(request.file, wire);
        CASTRA_CHECK(files::remove(request.file));
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return image_worker::download(request, wire);
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    const std::string verb = argc > 2 ? argv[2] : "";
    if (!(verb == "download" && argc == 6) && !(verb == "digest" && argc == 4)) {
        std::fputs("castra-image-worker is started by castra\n", stderr);
        return 2;
    }
    image_worker::Wire wire(std::atoi(argv[1]));
    const auto result = verb == "download" ? download_locked({argv[3], argv[4], argv[5]}, wire) : digest(argv[3], wire);
    if (result) return 0;
    wire.failed(result.error());
    return 1;
}
