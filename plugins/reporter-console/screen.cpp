// SPDX-License-Identifier: Apache-2.0
#include "screen.hpp"

#include "printable.hpp"

#include <algorithm>

namespace castra::console {
namespace {

// Our own colours take no room.
std::size_t width_of(const std::string& line) {
    std::string plain;
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (line[at] == '\x1b') {
            at = std::min(line.find('m', at), line.size());
            continue;
        }
        plain += line[at];
    }
    return columns_of(plain);
}

} // namespace

std::string Screen::update(const std::string& log, std::vector<std::string> frame, std::size_t columns,
                           std::size_t rows) {
    if (log.empty() && frame == frame_ && columns == columns_) return {};
    std::size_t up = 0;
    for (const auto& line : frame_)
        up += std::max<std::size_t>(1, columns == 0 ? 1 : (width_of(line) + columns - 1) / columns);
    up = std::min(up, rows > 0 ? rows - 1 : 0);
    std::string out;
    if (up > 0) out = "\r\x1b[" + std::to_string(up) + "A\x1b[J";
    out += log;
    for (const auto& line : frame)
        out += line + "\n";
    frame_ = std::move(frame);
    columns_ = columns;
    return out;
}

} // namespace castra::console
