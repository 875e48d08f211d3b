// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include "castra/sdk/refusal.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace castra::ndjson {
namespace {

using sdk::Refusal;

void refuse_relative(const std::string& path, const char* field) {
    if (!path.starts_with('/'))
        throw Refusal({.code = "relative_path", .title = "\"" + path + "\" is not absolute", .field_path = field});
    if (path.find('\0') != path.npos)
        throw Refusal({.code = "nul", .title = "a NUL character is in the path", .field_path = field});
}

} // namespace

Output::~Output() {
    if (fd_ >= 0) ::close(fd_);
}

Output open_fd(int number) {
    const auto where = number == 1 ? std::string("stdout") : "descriptor " + std::to_string(number);
    const auto copy = ::fcntl(number, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        throw Refusal({.code = "bad_fd",
                       .title = where + " is not open",
                       .field_path = "/fd",
                       .hint = "open it for castra: castra ... 3>events.ndjson"});
    if ((::fcntl(copy, F_GETFL) & O_ACCMODE) == O_RDONLY) {
        ::close(copy);
        throw Refusal({.code = "bad_fd", .title = where + " is not open for writing", .field_path = "/fd"});
    }
    return {copy, where, false};
}

Output open_path(const std::string& path) {
    refuse_relative(path, "/path");
    // O_NONBLOCK: a FIFO without a reader is an error and not a wait.
    const auto fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0)
        throw Refusal({.code = "open", .title = "open " + path, .detail = std::strerror(errno), .field_path = "/path"});
    return {fd, path, true};
}

Output open_socket(const std::string& path) {
    refuse_relative(path, "/socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw Refusal({.code = "too_long",
                       .title = "a socket's path has at most " + std::to_string(sizeof address.sun_path - 1) + " bytes",
                       .field_path = "/socket"});
    path.copy(address.sun_path, path.size());
    Output out(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), path, false);
    if (out.fd() < 0 || ::connect(out.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw Refusal({.code = "connect",
                       .title = "connect to " + path,
                       .detail = std::strerror(errno),
                       .field_path = "/socket",
                       .hint = "start the program that listens there before castra"});
    return out;
}

bool ends_torn(const std::string& path) {
    const Output file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), path, true);
    struct stat status {};
    if (file.fd() < 0 || ::fstat(file.fd(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return false;
    char last = '\n';
    return ::pread(file.fd(), &last, 1, status.st_size - 1) == 1 && last != '\n';
}

} // namespace castra::ndjson
