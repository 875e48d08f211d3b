// SPDX-License-Identifier: Apache-2.0
// Screen: the bytes that keep a few lines at the bottom of a terminal while text scrolls away above them. Knows what it
// drew last; when the terminal became narrower meanwhile, its lines were wrapped, and that is reckoned with. Pure:
// bytes out, no descriptor.
#pragma once
#include <string>
#include <vector>

namespace castra::console {

class Screen {
public:
    // `log`: whole lines. Nothing when there is nothing to change.
    std::string update(const std::string& log, std::vector<std::string> frame, std::size_t columns, std::size_t rows);

private:
    std::vector<std::string> frame_;
    std::size_t columns_ = 0;
};

} // namespace castra::console
