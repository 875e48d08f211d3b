// SPDX-License-Identifier: Apache-2.0
// Where relative paths of the file start. Pure: looks at text, never at the disk.
#pragma once
#include "base/result.hpp"

namespace castra {

struct PathRoot {
    std::string directory; // of the file, absolute
    std::string home;      // what "~/" stands for; empty: unknown

    // Shape of the answer: absolute, without "." and "..", without a slash at its end.
    Result<std::string> resolve(std::string_view path) const;
};

} // namespace castra
