// SPDX-License-Identifier: Apache-2.0
// castra-image-worker as its castra sees it: started, heard, ended. What it does and says:
// image_worker/worker_wire.hpp. Order: one at a time for each call. Thread: the kernel's, which never waits for a
// network or a disk here.
#pragma once
#include "host/host.hpp"

#include <array>
#include <functional>

namespace castra {

// How to reach the network is the user's business: what curl itself looks at, handed on to supervisor and worker.
inline constexpr std::array network_variables{"http_proxy",   "https_proxy",   "HTTPS_PROXY", "all_proxy",
                                              "ALL_PROXY",    "no_proxy",      "NO_PROXY",    "SSL_CERT_FILE",
                                              "SSL_CERT_DIR", "CURL_CA_BUNDLE"};

struct ImageWork {
    std::filesystem::path program;      // castra-image-worker
    std::vector<std::string> arguments; // behind the descriptor's number
    std::function<void(std::int64_t current, std::int64_t total, std::int64_t attempt)> on_progress;
    std::function<void(const std::string& text)> on_note;
};

struct ImageWorkDone {
    std::string sha256;
    std::int64_t bytes = 0;
    bool was_there = false; // nothing had to be fetched
    bool resumed = false;
};

// Errors: what the worker says; cancelled when `cancel` opened, and the worker has ended then; io when it died.
Task<Result<ImageWorkDone>> do_image_work(Host& host, ImageWork work, Gate& cancel);

} // namespace castra
