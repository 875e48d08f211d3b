// SPDX-License-Identifier: Apache-2.0
#include "config/port_forwards.hpp"

#include "config/limits.hpp"

#include <set>
#include <tuple>

namespace castra {
namespace {

constexpr std::string_view every_address = "0.0.0.0";
constexpr Choice protocols[] = {{"tcp", "tcp"}, {"udp", "udp"}};

ForwardEntry read_entry(const Reader& reader) {
    ForwardEntry entry;
    entry.key = reader.key();
    entry.first.line = reader.where().line;
    entry.first.column = reader.where().column;
    std::string address = entry.first.address;
    constexpr std::string_view byte = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    reader.narrow("address", {{"pattern", "^(" + std::string(byte) + "\\.){3}" + std::string(byte) + "$"}});
    if (reader.read_line("address", address)) {
        if (is_ipv4_address(address))
            entry.first.address = std::move(address);
        else
            reader.refuse("address", in_quotes(address) + " is no IPv4 address", "write one such as \"127.0.0.1\"");
    }
    reader.read_port("host", 0, entry.first.host);
    if (!reader.has("guest")) reader.refuse_missing("guest", "write the port inside the VM, such as guest = 22");
    reader.read_port("guest", 1, entry.first.guest);
    reader.read_choice("protocol", protocols, entry.first.protocol);
    reader.read_integer("count", {1, limits::forwards_per_vm_max}, entry.count);
    return entry;
}

// Who wants which host port. A port is free for an address if neither it nor 0.0.0.0 has it.
class HostPorts {
public:
    struct Claim {
        std::string who;
        Position at;
    };

    // The claim already there, or nothing, and the port is now taken.
    const Claim* claim(const PortForwardConfig& forward, Claim claim) {
        auto& addresses = ports_[{forward.protocol, forward.host}];
        if (const auto same = addresses.find(forward.address); same != addresses.end()) return &same->second;
        if (const auto every = addresses.find(every_address); every != addresses.end()) return &every->second;
        if (forward.address == every_address && !addresses.empty()) return &addresses.begin()->second;
        addresses.emplace(forward.address, std::move(claim));
        return nullptr;
    }

private:
    using Addresses = std::map<std::string, Claim, std::less<>>;
    std::map<std::pair<std::string, std::uint16_t>, Addresses> ports_;
};

} // namespace

bool is_ipv4_address(std::string_view text) {
    int parts = 0;
    while (true) {
        const auto dot = text.find('.');
        const auto part = text.substr(0, dot);
        if (part.empty() || part.size() > 3 || (part.size() > 1 && part[0] == '0')) return false;
        int value = 0;
        for (char c : part) {
            if (c < '0' || c > '9') return false;
            value = value * 10 + (c - '0');
        }
        if (value > 255) return false;
        ++parts;
        if (dot == std::string_view::npos) return parts == 4;
        text.remove_prefix(dot + 1);
    }
}

std::vector<ForwardEntry> read_forward_entries(const Reader& vm) {
    std::vector<ForwardEntry> entries;
    std::int64_t total = 0;
    for (const auto& reader : vm.tables("port_forwards", known::port_forward, limits::forwards_per_vm_max)) {
        auto entry = read_entry(reader);
        total += entry.count;
        if (entry.first.guest != 0) entries.push_back(std::move(entry));
    }
    if (total > limits::forwards_per_vm_max) {
        vm.refuse("port_forwards",
                  std::to_string(total) + " forwards for one VM, at most " +
                      std::to_string(limits::forwards_per_vm_max) + " are allowed",
                  "count = N counts N times");
        entries.clear();
    }
    return entries;
}

void check_forward_entries(const std::vector<ForwardEntry>& entries, std::int64_t instances, Problems& problems) {
    for (const auto& entry : entries) {
        const Position at{entry.first.line, entry.first.column};
        const std::int64_t guest_last = entry.first.guest + entry.count - 1;
        const std::int64_t host_last = entry.first.host == 0 ? 0 : entry.first.host + instances * entry.count - 1;
        if (guest_last > limits::port_max)
            problems.add(at, entry.key, "its last guest port would be " + std::to_string(guest_last),
                         "ports end at 65535: lower guest or count");
        if (host_last > limits::port_max)
            problems.add(at, entry.key,
                         "its last host port, for instance " + std::to_string(instances - 1) + ", would be " +
                             std::to_string(host_last),
                         "ports end at 65535: lower host or count, or write host = 0 for automatic ports");
    }
}

std::vector<PortForwardConfig> forwards_of_instance(const std::vector<ForwardEntry>& entries, std::int64_t instance) {
    std::vector<PortForwardConfig> forwards;
    for (const auto& entry : entries) {
        for (std::int64_t k = 0; k < entry.count; ++k) {
            auto forward = entry.first;
            forward.guest = static_cast<std::uint16_t>(forward.guest + k);
            if (forward.host != 0) forward.host = static_cast<std::uint16_t>(forward.host + instance * entry.count + k);
            forwards.push_back(std::move(forward));
        }
    }
    return forwards;
}

void check_port_collisions(const ProjectConfig& project, Position broker, Problems& problems) {
    HostPorts ports;
    std::set<std::tuple<int, int, int, int>> told; // an entry of many instances collides once
    if (project.broker.port != 0) {
        PortForwardConfig own;
        own.host = project.broker.port;
        ports.claim(own, {"the broker", broker});
    }
    for (const auto& vm : project.vms) {
        for (const auto& forward : vm.port_forwards) {
            if (forward.host == 0) continue;
            const Position at{forward.line, forward.column};
            const auto* taken = ports.claim(forward, {vm.name, at});
            if (taken == nullptr || !told.insert({taken->at.line, taken->at.column, at.line, at.column}).second)
                continue;
            problems.add(at, "vms." + vm.name + ".port_forwards",
                         "host port " + forward.address + ":" + std::to_string(forward.host) + "/" + forward.protocol +
                             " (line " + std::to_string(at.line) + ") is already wanted by " + taken->who + " (line " +
                             std::to_string(taken->at.line) + ")",
                         "change one of them, or write host = 0 for an automatic port");
        }
    }
}

} // namespace castra
