// SPDX-License-Identifier: Apache-2.0
#include "host/files.hpp"
#include "host/host.hpp"
#include "host/left_behind.hpp"
#include "host/system_process.hpp"

#include <arpa/inet.h>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace castra {
namespace {

constexpr Milliseconds backlog_wait{5000}, backlog_pause{20};

Result<sockaddr_un> socket_address(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto text = path.string();
    if (text.size() > socket_path_bytes_max)
        return fail(ErrorCode::preflight,
                    "socket " + text + ": " + std::to_string(text.size()) + " bytes, and a unix socket has at most " +
                        std::to_string(socket_path_bytes_max),
                    "set CASTRA_HOME or XDG_RUNTIME_DIR to a shorter path");
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    return address;
}

// "@name" stands for a name without a file (abstract).
bool is_abstract(const std::filesystem::path& path) {
    return path.native().starts_with('@');
}

Result<UniqueFd> listening_abstract(const std::string& text) {
    const auto doing = "listen on " + text;
    CASTRA_TRY(address, socket_address(text));
    address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(fd.get(), 64) != 0)
        return fail_errno(doing);
    return fd;
}

Result<UniqueFd> listening_socket(const std::filesystem::path& path) {
    if (is_abstract(path)) return listening_abstract(path.string());
    const auto doing = "listen on " + path.string();
    CASTRA_TRY(address, socket_address(path));
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return fail_errno(doing);
    CASTRA_CHECK(files::remove(path));
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return fail_errno(doing);
    ::chmod(path.c_str(), 0600);
    if (::listen(fd.get(), 64) != 0) return fail_errno(doing);
    return fd;
}

class SystemHost final : public Host {
public:
    SystemHost(asio::io_context& loop, Clock& clock) : loop_(loop), clock_(clock) {}

    Executor executor() override { return loop_.get_executor(); }
    Clock& clock() override { return clock_; }

    Task<> sleep_for(std::chrono::milliseconds duration) override {
        asio::steady_timer timer(loop_, duration);
        boost::system::error_code ignored;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }

    Result<std::unique_ptr<Process>> spawn(const SpawnRequest& request) override {
        return spawn_process(executor(), request, limit_);
    }
    Result<std::unique_ptr<Process>> adopt(ProcessId id) override { return open_process(executor(), id, true); }
    Result<std::unique_ptr<Process>> observe(ProcessId id) override { return open_process(executor(), id, false); }
    bool is_alive(ProcessId id) const override {
        const auto ticks = start_ticks_of(id.pid);
        return ticks && *ticks == id.start_ticks;
    }
    bool is_stopped(ProcessId id) const override { return is_alive(id) && is_process_stopped(id.pid); }
    void end_remains(ProcessId leader, const std::string& mark) override { end_marked_session(leader, mark); }
    Result<std::string> find_program(const std::string& name) const override;

    Result<UniqueFd> listen_unix_fd(const std::filesystem::path& path) override { return listening_socket(path); }
    Result<Listener> listen_unix(const std::filesystem::path& path) override {
        CASTRA_TRY(fd, listening_socket(path));
        asio::local::stream_protocol::acceptor acceptor(loop_);
        acceptor.assign(asio::local::stream_protocol(), fd.release());
        return Listener(std::move(acceptor));
    }
    Task<Result<Stream>> connect_unix(std::filesystem::path path) override;
    Result<std::pair<Stream, UniqueFd>> notify_pair() override;
    Result<PortLease> lease_port(const std::string& address, std::uint16_t port, const std::string& protocol) override;

    std::string boot_id() const override {
        auto text = files::read("/proc/sys/kernel/random/boot_id", 256).value_or("unknown");
        while (!text.empty() && text.back() == '\n')
            text.pop_back();
        return text;
    }

private:
    asio::io_context& loop_;
    Clock& clock_;
    DescriptorLimit limit_;
};

Result<std::string> SystemHost::find_program(const std::string& name) const {
    if (name.find('/') != std::string::npos)
        return ::access(name.c_str(), X_OK) == 0 ? Result<std::string>(name)
                                                 : fail(ErrorCode::not_found, name + " is no program that can be run");
    const char* path = std::getenv("PATH");
    std::string_view rest = path ? path : "/usr/local/bin:/usr/bin:/bin";
    while (!rest.empty()) {
        const auto end = std::min(rest.find(':'), rest.size());
        const auto candidate = std::string(rest.substr(0, end)) + "/" + name;
        struct stat info {};
        if (candidate.front() == '/' && ::access(candidate.c_str(), X_OK) == 0 &&
            ::stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode))
            return candidate;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return fail(ErrorCode::not_found, name + " is not in PATH");
}

Task<Result<Stream>> SystemHost::connect_unix(std::filesystem::path path) {
    const auto text = path.string();
    CASTRA_CO_CHECK(socket_address(path));
    const asio::local::stream_protocol::endpoint endpoint(is_abstract(path) ? std::string(1, '\0') + text.substr(1)
                                                                            : text);
    for (auto waited = Milliseconds(0);; waited += backlog_pause) {
        asio::local::stream_protocol::socket socket(loop_, asio::local::stream_protocol());
        socket.non_blocking(true);
        if (::connect(socket.native_handle(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0)
            co_return Stream(std::move(socket));
        // So many wait there already. async_connect takes that for a connection under way, which then is none; and
        // nothing tells when there is room.
        if (errno != EAGAIN) co_return fail_errno("connect to " + text);
        if (waited >= backlog_wait)
            co_return fail(ErrorCode::io, "connect to " + text + ": whoever listens there has taken nobody for " +
                                              std::to_string(waited.count()) + " ms");
        co_await sleep_for(backlog_pause);
    }
}

Result<std::pair<Stream, UniqueFd>> SystemHost::notify_pair() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("make a notify pair");
    UniqueFd child(ends[1]);
    asio::local::stream_protocol::socket socket(loop_);
    socket.assign(asio::local::stream_protocol(), ends[0]);
    return std::pair<Stream, UniqueFd>(Stream(std::move(socket)), std::move(child));
}

// Automatic ports stay below Linux's default ephemeral range (32768): no outgoing connection can take one in between.
Result<PortLease> SystemHost::lease_port(const std::string& address, std::uint16_t port, const std::string& protocol) {
    if (port != 0) return take_port(address, port, protocol);
    const auto entropy = clock_.entropy();
    const auto start = static_cast<unsigned>((entropy[0] << 8) | entropy[1]);
    for (unsigned i = 0; i < automatic_ports_count; ++i) {
        const auto candidate = automatic_ports_first + (start + i) % automatic_ports_count;
        if (auto lease = take_port(address, static_cast<std::uint16_t>(candidate), protocol)) return std::move(*lease);
    }
    return fail(ErrorCode::busy, "no automatic port is free on " + address);
}

} // namespace

std::unique_ptr<Host> make_system_host(asio::io_context& loop, Clock& clock) {
    return std::make_unique<SystemHost>(loop, clock);
}

} // namespace castra
