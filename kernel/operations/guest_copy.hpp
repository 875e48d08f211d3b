// SPDX-License-Identifier: Apache-2.0
// Files and folders into a VM and out of it: tar over one SSH session, because small guests have neither scp nor sftp.
// Like cp -r: onto a directory that is there it goes into it, else it gets the name that was given. What arrives has
// the owner who writes it. What a guest sends is unpacked in a directory of its own and only then takes its name:
// nothing that it names itself is written elsewhere.
// Errors: not_found (no such file), busy (would replace a directory), io with what tar, ssh or the guest said.
// Left behind by a failure: nothing; in a guest that ends meanwhile perhaps a .castra-* folder.
#pragma once
#include "host/piped_run.hpp"
#include "operations/guest_ssh.hpp"

namespace castra {

struct CopyCounts {
    std::int64_t entries = 0; // files and folders
};

// `to`: a path in the guest; empty: the user's home. Several sources want a directory.
Task<Result<CopyCounts>> copy_in(Host& host, const GuestSsh& guest, std::vector<std::filesystem::path> from,
                                 std::string to, std::shared_ptr<Gate> cancel);
Task<Result<CopyCounts>> copy_out(Host& host, const GuestSsh& guest, std::string from, std::filesystem::path to,
                                  std::shared_ptr<Gate> cancel);

// "web-0:/etc/hostname" -> {"web-0", "/etc/hostname"}; a local path, such as "./a:b", has no VM.
struct CopyPlace {
    std::string vm, path;
};
CopyPlace parse_copy_place(const std::string& text);

} // namespace castra
