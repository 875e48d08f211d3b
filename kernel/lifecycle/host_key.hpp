// SPDX-License-Identifier: Apache-2.0
// The SSH host key that a guest tells with its ready marker or by its agent, kept where ssh looks for it before the
// first connection. What arrives on the console or over the VM's own channel is the guest's word, and nobody else's.
// Shape: anything, then a JSON object with "ssh_host_key": "ssh-ed25519 AAAA...".
#pragma once
#include "castra/sdk/launch_plan.hpp"

#include <filesystem>
#include <optional>
#include <string_view>

namespace castra {

// Nothing: it tells none, or something that is no key.
std::optional<std::string> host_key_in(std::string_view marker_line);

// The lines of known_hosts for every forward to the guest's port 22; empty: none.
std::string known_hosts_lines(const std::string& key, const std::vector<sdk::PortForward>& forwards);

} // namespace castra
