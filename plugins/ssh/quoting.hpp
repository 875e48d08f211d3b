// SPDX-License-Identifier: Apache-2.0
// Words for a POSIX shell: dash, busybox ash, bash. Whatever bytes a text holds, the shell that reads shell_word(text)
// has exactly them as one word; for a second shell behind it quote the result again. NUL cannot stand in any word.
#pragma once
#include <string>
#include <string_view>

namespace castra::ssh {

std::string shell_word(std::string_view text);

// What ssh is told as its command: the user's login shell starts /bin/sh, which runs `script`.
std::string shell_command(std::string_view script);

// A path for an option of ssh that expands % and splits at spaces (UserKnownHostsFile, IdentityFile ...).
std::string option_path(std::string_view path);

} // namespace castra::ssh
