// SPDX-License-Identifier: Apache-2.0
// Guest images built or fetched by castra, each a folder <cache>/images/<name> with an image.json that names its files.
// Read only here; `castra image build` replaces whole folders.
#pragma once
#include "base/result.hpp"

#include <filesystem>
#include <string>

namespace castra {

struct Image {
    std::string name, key;
    std::string kernel, initrd, append;         // direct boot; absolute paths
    std::string disk, disk_format, disk_sha256; // absolute path
    std::string root_append;                    // added to append when the VM boots from the disk
    std::string ssh_user, ready_marker;
};

// Errors: not_found with the command that builds it, io when damaged: also when a file is gone or cut.
Result<Image> find_image(const std::filesystem::path& cache, const std::string& name);

} // namespace castra
