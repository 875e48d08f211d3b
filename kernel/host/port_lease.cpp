// SPDX-License-Identifier: Apache-2.0
#include "host/port_lease.hpp"

#include "host/files.hpp"

#include <arpa/inet.h>
#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace castra {
namespace {

// Whether nobody has the port bound right now. QEMU binds without SO_REUSEADDR-like surprises for listeners.
bool can_bind(const std::string& address, std::uint16_t port, bool udp) {
    UniqueFd fd(::socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    inet_pton(AF_INET, address.c_str(), &where.sin_addr);
    const int on = 1;
    if (!udp)
        setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); // a port in TIME_WAIT is free for a listener
    return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
}

// An abstract name: bound (`take`), or only looked for. Whether that worked.
bool reach(int fd, const std::string& name, bool take) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    const auto* where = reinterpret_cast<const sockaddr*>(&address);
    return (take ? ::bind(fd, where, size) : ::connect(fd, where, size)) == 0;
}

bool is_held(const std::string& name) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return fd && reach(fd.get(), name, false);
}

// Of the names that somebody has bound in this network namespace.
bool is_any_held(const std::string& beginning) {
    constexpr std::size_t bytes_max = 64 << 20;
    return files::read("/proc/self/net/unix", bytes_max).value_or("").find("@" + beginning) != std::string::npos;
}

} // namespace

// First one's own name, then a look for those that exclude it: of two who do so at once at most one goes on.
Result<PortLease> take_port(const std::string& address, std::uint16_t port, const std::string& protocol) {
    const auto text = address + ":" + std::to_string(port) + "/" + protocol;
    const bool takes_all = address == "0.0.0.0";
    const auto of_all = "castra/port/" + protocol + "/" + std::to_string(port);
    UniqueFd holder(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!holder) return fail_errno("lease port " + text);
    if (!reach(holder.get(), takes_all ? of_all : of_all + "/" + address, true) ||
        (takes_all ? is_any_held(of_all + "/") : is_held(of_all)))
        return fail(ErrorCode::busy, "port " + text + " belongs to another castra VM");
    if (!can_bind(address, port, protocol == "udp"))
        return fail(ErrorCode::busy, "port " + text + " is in use",
                    "choose another port, or host = 0 for an automatic one");
    return PortLease{port, protocol, std::move(holder)};
}

} // namespace castra
