// SPDX-License-Identifier: Apache-2.0
#include "host/become.hpp"

#include "host/exec_words.hpp"

#include <csignal>
#include <cstdio>
#include <sys/syscall.h>
#include <unistd.h>

namespace castra {

Error become(const std::vector<std::string>& argv) {
    const auto words = exec_words(argv);
    std::fflush(nullptr);
    for (const int ignored : {SIGPIPE, SIGXFSZ})
        std::signal(ignored, SIG_DFL); // what is ignored stays so across exec
    syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
    execvp(words[0], words.data());
    if (errno == ENOENT) return {ErrorCode::not_found, argv[0] + " is not in PATH", "apt-get install openssh-client"};
    return fail_errno("run " + argv[0]).value();
}

} // namespace castra
