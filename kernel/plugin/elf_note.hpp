// SPDX-License-Identifier: Apache-2.0
// Reads the manifest note of a plugin from its file: no byte of the file is executed or mapped. The file may be
// anything, made by anyone: every offset and size in it is checked against the file, and nothing larger than a limit is
// read. Shape:  a shared library (ELF64, this machine) with exactly one note of owner "castra" and type 1 in a PT_NOTE.
// Errors: not such a file; which rule it breaks is said.
// Thread: any.
#pragma once
#include "base/result.hpp"

#include <cstddef>
#include <filesystem>
#include <string>

namespace castra {

inline constexpr std::size_t manifest_bytes_max = 256 * 1024;

// The bytes of the note, uninterpreted.
Result<std::string> read_manifest_note(const std::filesystem::path& file);

} // namespace castra
