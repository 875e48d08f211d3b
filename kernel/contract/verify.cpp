// SPDX-License-Identifier: Apache-2.0
#include "contract/verify.hpp"

#include "contract/decode.hpp"

namespace castra::contract {

void Verifier::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        const auto piece = bytes.substr(0, end);
        if (!is_skipping_) rest_ += piece;
        if (rest_.size() >= line_bytes_max && !is_skipping_) {
            is_skipping_ = true;
            ++line_;
            find(18, "the line is longer than 64 KiB");
            monitor_.skip();
            rest_.clear();
        }
        if (end == std::string_view::npos) return;
        if (!is_skipping_) {
            ++line_;
            judge(rest_);
        }
        is_skipping_ = false;
        rest_.clear();
        bytes.remove_prefix(end + 1);
    }
}

void Verifier::finish() {
    if (!rest_.empty()) {
        ++line_;
        find(18, "the last line is torn: it has no line feed");
    }
    if (line_ == 0)
        find(1, "the stream is empty");
    else if (!monitor_.is_sealed() && !saw_bad_summary_)
        find(4, "the stream ends without a summary");
}

void Verifier::judge(std::string_view line) {
    const auto event = decode(line, ReaderMode::strict);
    if (!event) {
        find(event.error().rule, event.error().text);
        const auto tolerated = decode(line, ReaderMode::tolerant); // a summary all the same, for the end's sake
        saw_bad_summary_ = saw_bad_summary_ || (tolerated && tolerated->is<Summary>());
        monitor_.skip();
        return;
    }
    if (const auto bad = monitor_.admit(*event)) {
        find(bad->rule, bad->text);
        saw_bad_summary_ = saw_bad_summary_ || event->is<Summary>();
        monitor_.skip_to(event->envelope.seq);
    }
}

void Verifier::find(int rule, std::string text) {
    if (findings_.size() < findings_max) findings_.push_back({line_, rule, std::move(text)});
}

} // namespace castra::contract
