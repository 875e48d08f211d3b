// SPDX-License-Identifier: Apache-2.0
#include "broker/frame.hpp"

#include <algorithm>

namespace castra::broker {
namespace {

constexpr std::size_t header_bytes = 4;

} // namespace

void append_frame(std::string& to, std::string_view body) {
    const auto size = static_cast<std::uint32_t>(body.size());
    const char header[header_bytes] = {static_cast<char>(size >> 24U), static_cast<char>(size >> 16U),
                                       static_cast<char>(size >> 8U), static_cast<char>(size)};
    to.append(header, header_bytes);
    to.append(body);
}

Result<bool> FrameReader::skip_to_opening(std::string_view& rest) {
    const auto at = rest.find(line_ + "\n");
    // The end may be the line's beginning: keep that much.
    const auto skip = at == std::string_view::npos ? rest.size() - std::min(rest.size(), line_.size()) : at;
    skipped_ += skip;
    rest.remove_prefix(skip);
    if (skipped_ > limits::opening_bytes_max)
        return fail(ErrorCode::protocol, "the line that opens a session did not come within " +
                                             std::to_string(limits::opening_bytes_max) + " bytes");
    if (at == std::string_view::npos) return false;
    rest.remove_prefix(line_.size() + 1);
    line_.clear();
    return true;
}

Result<std::optional<std::string_view>> FrameReader::next(std::string_view& rest) {
    std::optional<std::string_view> body;
    if (!line_.empty()) {
        CASTRA_TRY(found, skip_to_opening(rest));
        if (!found) return body;
    }
    if (rest.size() < header_bytes) return body;
    std::uint32_t size = 0;
    for (std::size_t i = 0; i < header_bytes; ++i)
        size = size << 8U | static_cast<unsigned char>(rest[i]);
    if (size > limits::frame_bytes_max)
        return fail(ErrorCode::protocol, "a frame of " + std::to_string(size) + " bytes, and at most " +
                                             std::to_string(limits::frame_bytes_max) + " are allowed");
    if (rest.size() - header_bytes < size) return body;
    body = rest.substr(header_bytes, size);
    rest.remove_prefix(header_bytes + size);
    return body;
}

} // namespace castra::broker
