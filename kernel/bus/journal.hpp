// SPDX-License-Identifier: Apache-2.0
// The journal of one run: append-only NDJSON, the truth that every sink is told from.
// Owner: the bus. Thread: the kernel's.
#pragma once
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <filesystem>
#include <memory>
#include <string_view>

namespace castra {

class Journal {
public:
    virtual ~Journal() = default;
    // The whole line is on its way to disk when this returns; with `durable` it has arrived. Errors: io.
    virtual Result<> append(std::string_view line, bool durable) = 0;
};

// A file that must not exist yet, mode 0600. On a failed write the torn rest is cut off again.
Result<std::unique_ptr<Journal>> create_journal(const std::filesystem::path& path);

// For runs that must leave no trace: reads, and commands that are refused before anything was touched.
std::unique_ptr<Journal> make_null_journal();

} // namespace castra
