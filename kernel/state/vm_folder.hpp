// SPDX-License-Identifier: Apache-2.0
// What can be said of a VM without its record: it cannot be read, or there is none.
#pragma once
#include "host/open_files.hpp"
#include "state/layout.hpp"

#include <array>
#include <string_view>

namespace castra {

// The record and what is beside it, the record last: until it goes it tells of the rest.
inline constexpr std::array<std::string_view, 6> record_files{
    "record.json.tmp", "overlay.json.tmp", "bootstrap.json.tmp", "bootstrap.json", "overlay.json", "record.json"};

bool is_log_file(std::string_view name);
// castra itself makes files and directories of these names in a VM's directory; all others are of its launcher's plan,
// which only the record tells, or somebody else's.
bool is_made_by_castra(std::string_view name);

// Evidence that a VM lives, see open_files.hpp: who has something open, or listens, in its directories.
class VmUsers {
public:
    explicit VmUsers(const Layout& layout); // one look at all processes
    // In words: "process 4242 uses /.../vms/devbox-0"; nullopt: nobody.
    std::optional<std::string> user_of(const std::string& vm) const;
    // Of what is in the project's runtime directory.
    std::optional<std::string> user_of_runtime(const std::filesystem::path& path) const;

private:
    const Layout& layout_;
    OpenFiles in_state_, in_runtime_;
};

} // namespace castra
