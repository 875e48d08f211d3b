// SPDX-License-Identifier: Apache-2.0
// Bytes to frames and back. A stream opens with one line of text, after which come frames: four bytes of length, most
// significant first, then so many bytes. Pure; keeps at most one unfinished frame.
// Bytes may arrive in any pieces: what is incomplete waits, so a pause inside a frame never shifts the next one.
#pragma once
#include "base/result.hpp"
#include "broker/limits.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace castra::broker {

// Appends one frame. Requires: body.size() <= frame_bytes_max.
void append_frame(std::string& to, std::string_view body);

class FrameReader {
public:
    // Until then everything is skipped up to and including `line` and its line feed: what an earlier connection over
    // the same channel left behind is not ours. `line` empty: frames from the first byte.
    explicit FrameReader(std::string line = {}) : line_(std::move(line)) {}

    // Takes all of `bytes`; visit(body) for each complete frame, body borrowed for the call. Stops early when visit
    // answers false; the rest waits for resume(). Errors: protocol (a length beyond the limit, no opening line in
    // time), after which the stream is of no use.
    template <class Visit>
    Result<> feed(std::string_view bytes, Visit visit) {
        if (!pending_.empty()) {
            pending_.append(bytes);
            return drain(visit);
        }
        std::string_view rest = bytes;
        auto done = take(rest, visit);
        pending_.assign(rest);
        return done;
    }
    template <class Visit>
    Result<> resume(Visit visit) {
        return drain(visit);
    }
    std::size_t pending_bytes() const { return pending_.size(); }
    bool is_open() const { return line_.empty(); } // the opening line was seen

private:
    template <class Visit>
    Result<> drain(Visit& visit) {
        std::string_view rest = pending_;
        auto done = take(rest, visit);
        pending_.erase(0, pending_.size() - rest.size());
        if (pending_.empty()) pending_.shrink_to_fit();
        return done;
    }
    template <class Visit>
    Result<> take(std::string_view& rest, Visit& visit) {
        while (true) {
            CASTRA_TRY(body, next(rest));
            if (!body) return {};
            if (!visit(*body)) return {};
        }
    }
    // The next body, cut from the front of `rest`; nullopt: more bytes are needed.
    Result<std::optional<std::string_view>> next(std::string_view& rest);
    Result<bool> skip_to_opening(std::string_view& rest);

    std::string line_;
    std::string pending_;
    std::size_t skipped_ = 0;
};

} // namespace castra::broker
