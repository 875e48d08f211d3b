// SPDX-License-Identifier: Apache-2.0
// What kind of disk image a file is: by content, never by name. A guest that can write a raw disk could otherwise turn
// it into a qcow2 that names files of the host.
#pragma once
#include "base/result.hpp"

#include <filesystem>
#include <string>

namespace castra {

// "qcow2" or "raw". Errors: preflight, with the cure: not a disk image that castra can start from (empty, compressed,
// another program's format, cut off, no known content), not_found, io.
Result<std::string> format_of_image(const std::filesystem::path& image);

} // namespace castra
