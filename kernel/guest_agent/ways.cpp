// SPDX-License-Identifier: Apache-2.0
#include "guest_agent/ways.hpp"

#include <arpa/inet.h>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace castra::agent {
namespace {

constexpr const char* ports_dir = "/sys/class/virtio-ports";
constexpr const char* port_name = "org.castra.agent.0";
constexpr const char* door_file = "/sys/firmware/qemu_fw_cfg/by_name/opt/castra/broker/raw";

std::string read_file(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char text[4096];
    const auto size = fd ? ::read(fd.get(), text, sizeof text) : -1;
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

std::string find_port() {
    std::string found;
    DIR* dir = ::opendir(ports_dir);
    if (dir == nullptr) return found;
    while (const auto* entry = ::readdir(dir)) {
        auto name = read_file(std::string(ports_dir) + "/" + entry->d_name + "/name");
        while (!name.empty() && name.back() == '\n')
            name.pop_back();
        if (name == port_name) found = std::string("/dev/") + entry->d_name;
    }
    ::closedir(dir);
    return found;
}

sockaddr_un local_address() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, local_socket);
    return address;
}

} // namespace

std::int64_t now_ms() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1000000;
}

Ways find_ways() {
    Ways ways;
    ways.port = find_port();
    const auto door = nlohmann::json::parse(read_file(door_file), nullptr, false);
    if (!door.is_object()) return ways;
    const auto text = [](const nlohmann::json& from, const char* key) {
        const auto found = from.find(key);
        return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    ways.vm = text(door, "vm");
    ways.secret = text(door, "secret");
    const auto tcp = door.find("tcp");
    if (tcp == door.end() || !tcp->is_object()) return ways;
    ways.address = text(*tcp, "address");
    const auto port = tcp->find("port");
    if (port != tcp->end() && port->is_number_unsigned() && port->get<unsigned>() < 65536U)
        ways.tcp_port = static_cast<std::uint16_t>(port->get<unsigned>());
    return ways;
}

UniqueFd open_port(const std::string& path) {
    return UniqueFd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
}

UniqueFd connect_tcp(const std::string& address, std::uint16_t port, int wait_ms) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    if (!fd || inet_pton(AF_INET, address.c_str(), &where.sin_addr) != 1) return {};
    const int on = 1;
    (void)setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0) return fd;
    pollfd ask{fd.get(), POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof error;
    if (errno != EINPROGRESS || ::poll(&ask, 1, wait_ms) != 1 ||
        getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
        return {};
    return fd;
}

UniqueFd listen_local() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto address = local_address();
    ::unlink(local_socket);
    ::umask(0077);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd.get(), 8) != 0)
        return {};
    return fd;
}

UniqueFd connect_local(int wait_ms) {
    const auto until = now_ms() + wait_ms;
    while (true) { // the daemon may just be starting
        UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = local_address();
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
        if (now_ms() >= until) return {};
        ::poll(nullptr, 0, 20);
    }
}

} // namespace castra::agent
