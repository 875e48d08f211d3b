// SPDX-License-Identifier: Apache-2.0
// The way into a VM by SSH, as status knows it, and what the OpenSSH client is told to take it. The guest's host key is
// always checked, against the VM's own known_hosts: there already, or accepted at the first connection and never
// another. Nothing of the user's own ssh configuration has a part in it.
// Pure: reads no file but known_hosts, starts nothing.
#pragma once
#include "operations/status.hpp"

namespace castra {

// Errors: usage (no such VM, with the nearest name), failed (it is not up, has no way in), each with its cure.
Result<GuestSsh> guest_ssh(const ProjectStatus& status, const std::string& vm);
// Every VM that is up and has a way in.
std::vector<GuestSsh> all_guest_ssh(const ProjectStatus& status);

// "-o", "X=y", ...: all but the destination and the port. `batch`: ask nobody anything.
std::vector<std::string> ssh_options(const GuestSsh& guest, bool batch);
// ssh, its options, the destination and then `command`: none, or one line for the guest's shell.
std::vector<std::string> ssh_argv(const GuestSsh& guest, bool batch, const std::string& command);
// A Host block of ssh_config(5). Errors: launch, its files are where that file cannot name them.
Result<std::string> ssh_config(const GuestSsh& guest);

// Whatever a text holds, a POSIX shell that reads this has exactly it as one word.
std::string shell_quoted(std::string_view text);
// What the guest's shell is to run: one word is a line of shell; several are a program and its arguments, as they are.
std::string remote_command(const std::vector<std::string>& words);

} // namespace castra
