// SPDX-License-Identifier: Apache-2.0
// castra-plugin-host CASTRA_PID FILE: one plugin in a process of its own, for castra, which starts this and speaks to
// it over descriptor 3. Nothing for people.
#include "plugin_host/served_plugin.hpp"

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char** argv) {
    constexpr int given_fd = 3;
    int type = 0;
    socklen_t size = sizeof type;
    if (argc != 3 || ::getsockopt(given_fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) {
        std::fprintf(stderr, "castra-plugin-host: castra starts this by itself, for plugins that run isolated\n");
        return 2;
    }
    const int parent_pid = std::atoi(argv[1]);
    castra::UniqueFd parent(static_cast<int>(::syscall(SYS_pidfd_open, parent_pid, 0)));
    if (!parent || ::getppid() != parent_pid) return 0; // castra has ended meanwhile
    // Out of the way of plugins that close 3 and what follows, and not for the programs that they run.
    castra::UniqueFd socket(::fcntl(given_fd, F_DUPFD_CLOEXEC, 100));
    ::close(given_fd);
    if (!socket) return 1;
    castra::ServedPlugin plugin(std::move(socket), std::move(parent));
    plugin.serve();
}
