// SPDX-License-Identifier: Apache-2.0
// What castra-image-worker tells the castra that started it: one JSON object a line, on the descriptor that its command
// line names. It ends at once when that descriptor's other side is gone.
//   {"progress":{"current":N,"total":N,"attempt":N}}   bytes; total 0: unknown; attempt counts fresh starts
//   {"note":"connection broke after 5 bytes, resuming"}
//   {"done":{"sha256":"...","bytes":N,"resumed":true,"was_there":false}}
//   {"failed":{"code":"io","text":"...","hint":"..."}}  code: an ErrorCode's word
#pragma once
#include "base/result.hpp"

#include <nlohmann/json.hpp>

namespace castra::image_worker {

class Wire {
public:
    explicit Wire(int fd) : fd_(fd) {}
    void progress(std::int64_t current, std::int64_t total, int attempt);
    void note(const std::string& text);
    void done(const std::string& sha256, std::int64_t bytes, bool resumed, bool was_there);
    void failed(const Error& error);
    // True when nobody listens any more: then the work is pointless.
    bool is_abandoned() const;
    // Waits, but no longer than somebody listens.
    void pause(int milliseconds) const;

private:
    void say(const nlohmann::json& line);
    int fd_;
};

} // namespace castra::image_worker
