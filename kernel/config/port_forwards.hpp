// SPDX-License-Identifier: Apache-2.0
// [[vms.port_forwards]]: one entry of the file makes `count` forwards for every instance of its VM.
//   instance i, forward k:  address:(host + i * count + k)  ->  guest + k      (host = 0: an automatic port each)
#pragma once
#include "config/project_config.hpp"
#include "config/reader.hpp"

#include <vector>

namespace castra {

struct ForwardEntry {
    PortForwardConfig first; // of instance 0
    std::int64_t count = 1;
    std::string key;
};

// Faulty entries are reported and left out.
std::vector<ForwardEntry> read_forward_entries(const Reader& vm);

// Reports, once, an entry whose ports leave 1..65535 for the last of `instances`.
void check_forward_entries(const std::vector<ForwardEntry>& entries, std::int64_t instances, Problems& problems);

// Ports of entries that check_forward_entries reported wrap around.
std::vector<PortForwardConfig> forwards_of_instance(const std::vector<ForwardEntry>& entries, std::int64_t instance);

// Two forwards, or a forward and the broker, that want the same host port.
void check_port_collisions(const ProjectConfig& project, Position broker, Problems& problems);

bool is_ipv4_address(std::string_view text);

} // namespace castra
