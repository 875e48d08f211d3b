// SPDX-License-Identifier: Apache-2.0
// Whether a file may be loaded into this process: only if nobody but root and the user can have put it there.
// Every component of the real path (links resolved) is owned by root or the user, and no one else may write to it. A
// sticky directory such as /tmp passes, because its entries are safe from everyone but their owners, who are checked
// too. Never opens the file, except to hash it for a pin. What was checked is the path returned: load that one, not the
// link. Errors: not_found, or plugin naming the component and the cure.
#pragma once
#include "base/result.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <unistd.h>

namespace castra {

// `sha256`: a pin of castra.toml, 64 hex digits.
Result<std::filesystem::path> check_trust(const std::filesystem::path& file,
                                          const std::optional<std::string>& sha256 = {}, uid_t user = ::geteuid());

} // namespace castra
