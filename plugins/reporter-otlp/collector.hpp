// SPDX-License-Identifier: Apache-2.0
// Collector: one POST at a time to an OTLP/HTTP endpoint, by libcurl. Follows no redirects, keeps the connection, gives
// up when the call it works for is cancelled. Thread: one at a time.
#pragma once
#include "castra/sdk/call.hpp"

#include <map>
#include <memory>
#include <string>

namespace castra::otlp {

enum class Sent {
    taken,
    later,  // not reached, or it said so (429, 502, 503, 504): the same again may work
    refused // it will not take this
};

class Collector {
public:
    Collector(std::string endpoint, const std::map<std::string, std::string>& headers);
    ~Collector();
    Collector(const Collector&) = delete;
    Collector& operator=(const Collector&) = delete;

    // `path`: /v1/logs.
    Sent post(const std::string& path, const std::string& json, std::chrono::milliseconds timeout,
              const sdk::Call& call);
    const std::string& problem() const { return problem_; } // of the last post that was not taken

private:
    struct Handle;
    std::unique_ptr<Handle> handle_;
    std::string endpoint_, problem_;
};

} // namespace castra::otlp
