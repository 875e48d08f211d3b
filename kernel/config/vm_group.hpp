// SPDX-License-Identifier: Apache-2.0
// [[vms]]: one entry of the file is a group of `count` like instances, some of them with own values.
//   version 0.2.0: "web" with count = 3 is web-0, web-1, web-2; with count = 1 it is web-0
//   version 0.1.0: "web" is web
// Instance i has what the entry says, then host ports moved by i (port_forwards.hpp) and from i = 1 on an overlay
// x-i.qcow2 for x.qcow2, then what its [[vms.instances]] says.
#pragma once
#include "config/port_forwards.hpp"
#include "config/project_config.hpp"
#include "config/reader.hpp"

#include <map>

namespace castra {

struct VmGroup {
    std::string place; // "vms[0]"
    VmConfig shape;    // name and group both as in the file; no forwards yet
    std::int64_t count = 1;
    bool can_boot = false; // says from what; an instance may say it too
    std::vector<ForwardEntry> forwards;
    std::map<std::int64_t, Reader> instances; // [[vms.instances]] by index, read when the group is expanded
};

// Nothing: it has no usable name.
std::optional<VmGroup> read_vm_group(const Reader& reader, const BootstrapConfig& defaults);

// Reports what is wrong with its instances.
std::vector<VmConfig> expand(const VmGroup& group, const ReadContext& context);

} // namespace castra
