// SPDX-License-Identifier: Apache-2.0
// The seam to the machine, on the simulated one: what SystemHost promises, with the world's faults.
#pragma once
#include "host/host.hpp"
#include "world.hpp"

namespace castra::sim {

class SimClock final : public Clock {
public:
    std::int64_t unix_us() const override { return world->unix_us(); }
    std::int64_t monotonic_us() const override { return world->now_us; }
    std::array<std::uint8_t, 10> entropy() override;
};

class SimHost final : public Host {
public:
    SimHost(asio::io_context& loop, Clock& clock) : loop_(loop), clock_(clock) {}

    Executor executor() override { return loop_.get_executor(); }
    Clock& clock() override { return clock_; }
    Task<> sleep_for(std::chrono::milliseconds duration) override;
    Result<std::unique_ptr<Process>> spawn(const SpawnRequest& request) override;
    Result<std::unique_ptr<Process>> adopt(ProcessId id) override;
    Result<std::unique_ptr<Process>> observe(ProcessId id) override { return adopt(id); }
    bool is_alive(ProcessId id) const override;
    bool is_stopped(ProcessId) const override { return false; }
    void end_remains(ProcessId, const std::string&) override {} // no process here has children
    Result<std::string> find_program(const std::string& name) const override;
    Result<UniqueFd> listen_unix_fd(const std::filesystem::path& path) override;
    Result<Listener> listen_unix(const std::filesystem::path& path) override;
    Task<Result<Stream>> connect_unix(std::filesystem::path path) override;
    Result<std::pair<Stream, UniqueFd>> notify_pair() override;
    Result<PortLease> lease_port(const std::string& address, std::uint16_t port, const std::string& protocol) override;
    std::string boot_id() const override { return world->boot_id; }

private:
    Result<int> stream_fd(const std::filesystem::path& path);
    Result<Stream> stream_of(int fd);
    asio::io_context& loop_;
    Clock& clock_;
};

} // namespace castra::sim
